"""Calls an extension that forgets to give references back: 1,000 of one object, one each of 1,000 others."""

import sys

import handshake

sys.path.insert(0, handshake.argument())
import leaking  # noqa: E402

COUNT = 1000


class Kept:
    pass


class Victim:
    pass


kept = Kept()
leaking.forget(kept, COUNT)
for _ in range(COUNT):
    leaking.forget(Victim(), 1)
handshake.serve(kept=id(kept), count=COUNT)
