"""Instances of types whose names would act on a terminal."""

import handshake


class Evil:
    pass


# Colour, bell, clipboard, a second control set, another direction, a lone surrogate.
Evil.__qualname__ = "Evil\x1b[31m\x07\x1b]52;c;aGk=\x07\x9b2J\u202e\ud800"
Evil.__module__ = "mod\x1b[2J\r"
HOLDER = [Evil() for _ in range(50000)]

handshake.serve(holder=id(HOLDER))
