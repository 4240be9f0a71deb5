"""Makes many equal objects of a kind when asked to."""

import gc

import handshake

COUNT = 500000


class Row:
    def __init__(self):
        self.a = self.b = self.c = None


class Slots:
    __slots__ = ("a", "b")


KINDS = {
    "instance": Row, "slots": Slots, "tuple": lambda: (None, True, None, []) [:3], "list": lambda: [None, True, None, None, None], "dict": lambda: {"a": None, "b": None, "c": None},
    "str": lambda: "%030d" % 5, "text": lambda: "\u20ac" * 100 + "%d" % 7, "bytes": lambda: bytes(700), "int": lambda: 10**30 + KEPT.__len__(), "float": lambda: KEPT.__len__() * 0.5, "set": lambda: {1, 2, 3}, "bytearray": lambda: bytearray(100),
}
KEPT = []


def grow(kind):
    make = KINDS[kind]
    place = KEPT[KINDS_LEFT.pop()]
    for number in range(COUNT):
        place[number] = make()
    return COUNT


gc.disable()
# Made and touched before, so that the lists do not grow with their objects.
KEPT += [[0] * COUNT for _ in KINDS]
KINDS_LEFT = list(range(len(KINDS)))
handshake.serve({"grow": grow}, kinds=list(KINDS), count=COUNT)
