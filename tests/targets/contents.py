"""Texts, bytes and arrays, with what another implementation says of their content, and values that are equal."""

import array
import struct

import handshake
import numpy
import xxhash

STRINGS = ["long" * 200, "gr\xfcn" * 200, "\u20ac" * 5000, "\U0001f600" * 300, "x" * 50000]
BYTES = [b"page " * 1000, bytes(70000)]
BYTEARRAYS = [bytearray(b"row " * 500)]
ARRAYS = [array.array("d", [1.5] * 1000), array.array("H", range(30000)), array.array("b", [3])]
NUMPY = [
    numpy.zeros(5000),
    numpy.arange(24000, dtype="i4").reshape(100, 240),
    numpy.full((7, 9), 2.5),
    numpy.ones((0, 3)),
    numpy.arange(12).reshape(3, 4).T.copy("F"),
]

# The same of three kinds, thousands of times.
PAGES = [bytes(bytearray(b"page " * 400)) for _ in range(3000)]
BUFFERS = [bytearray(b"page " * 400) for _ in range(1000)]


class Order:
    def __init__(self, number):
        self.customer = "customer %d" % (number % 10)
        self.items = [number % 10, "item"]
        self.notes = []


ORDERS = [Order(number) for number in range(2000)]


def of_text(text):
    width = 1 if max(text) < "\u0100" else 2 if max(text) < "\U00010000" else 4
    return text.encode({1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[width]), len(set(text)) == 1


def of_numpy(values):
    if not values.flags.owndata or not values.flags.c_contiguous or not values.size:
        return None, None
    head = struct.pack("<%dQ" % (1 + values.ndim), values.dtype.num, *values.shape)
    return head + values.tobytes(), values.size > 1 and len(set(values.flat)) == 1


def contents():
    for value in STRINGS:
        yield value, of_text(value)
    for value in BYTES + BYTEARRAYS:
        yield value, (bytes(value), len(set(value)) == 1)
    for value in ARRAYS:
        yield value, (value.tobytes(), len(value) > 1 and len(set(value)) == 1)
    for value in NUMPY:
        yield value, of_numpy(value)


handshake.serve(
    contents=[
        [id(value), None if content is None else xxhash.xxh3_64_intdigest(content), uniform]
        for value, (content, uniform) in contents()
    ],
    page=PAGES[0].__sizeof__(),
)
