"""Calls an extension that keeps one object in a variable, and forgets to give references back: 1,000 of one object, one each of 1,000 others."""

import sys

import handshake

sys.path.insert(0, handshake.argument())
import leaking  # noqa: E402

COUNT = 1000


class Kept:
    pass


class Victim:
    pass


class InVariable:
    pass


kept = Kept()
leaking.forget(kept, COUNT)
for _ in range(COUNT):
    leaking.forget(Victim(), 1)
in_variable = InVariable()
address = id(in_variable)
leaking.keep(in_variable)
del in_variable
handshake.serve(kept=id(kept), count=COUNT, in_variable=address)
