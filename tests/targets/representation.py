"""Values of every builtin kind, and what `repr` says of them: `[address, repr]` in the file that the first argument names."""

import collections
import json
import random
import struct
import sys

import handshake

# Ranges of characters that all supported versions class alike: printable or not.
CHARACTERS = [
    (0x00, 0x80), (0x80, 0x250), (0x300, 0x370), (0x2000, 0x2010), (0x2028, 0x2030), (0x4E00, 0x4E20),
    (0xD800, 0xE000), (0xE000, 0xE010), (0xFFF9, 0xFFFC), (0x1F400, 0x1F440),
]
SCALARS = [None, True, False, ..., NotImplemented, 1, "x", 2.5, b"b"]


def number(bits):
    return random.randrange(-(1 << bits), 1 << bits)


def text():
    return "".join(chr(random.randrange(*random.choice(CHARACTERS))) for _ in range(random.randrange(12)))


def octets():
    return bytes(random.randrange(256) for _ in range(random.randrange(12)))


def floating():
    return struct.unpack("<d", bytes(random.randrange(256) for _ in range(8)))[0]


def container(depth):
    parts = [container(depth - 1) if depth else random.choice(SCALARS) for _ in range(random.randrange(4))]
    numbers = [number(5) for _ in parts]
    make = random.choice([list, tuple, set, frozenset, dict, collections.OrderedDict])
    if make in (set, frozenset):
        return make(numbers)
    if make is dict:
        return dict(zip(numbers, parts))
    return list(parts) if make is collections.OrderedDict else make(parts)


def raised():
    yield ValueError("bad", 3)
    yield KeyError("k")
    yield RuntimeError()


random.seed(20)
EDGES = [0.0, -0.0, 1e15, 1e16, 0.0001, 0.00001, 5e-324, 1.5, float("inf"), float("-inf"), float("nan")]
ITSELF = []
ITSELF.append(ITSELF)
VALUES = (
    [text() for _ in range(1000)]
    + [octets() for _ in range(300)]
    + [bytearray(octets()) for _ in range(300)]
    + [number(bits) for bits in range(1, 500)]
    + [floating() for _ in range(1000)]
    + [random.random() * 10**exponent for exponent in range(-20, 20)]
    + EDGES
    + [complex(real, imaginary) for real in EDGES for imaginary in EDGES]
    + [container(1) for _ in range(1000)]
    + SCALARS
    + [range(3), range(1, 9, 2), slice(1, None, 3), int, type, collections.OrderedDict, len]
    + list(raised())
)
def written(value):
    # Up to 3.14 a bytearray escapes single quotes even where they need it not.
    return "bytearray(%r)" % bytes(value) if type(value) is bytearray else repr(value)


# Python writes a list within itself with three dots, a representation from a dump with an ellipsis.
with open(sys.argv[1], "w", encoding="ascii") as file:
    json.dump([[id(value), written(value)] for value in VALUES] + [[id(ITSELF), "[[\u2026]]"]], file)
VALUES.append(ITSELF)

handshake.serve(values=id(VALUES))
