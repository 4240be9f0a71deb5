"""A cache of unique string keys, and a column of strings in a numpy array where the command line asks for it."""

import sys

import handshake

COUNT = 100000
CACHE = {"unique key %d" % number: "value of %d" % number for number in range(COUNT)}
COLUMN = None
if "numpy" in sys.argv:
    import numpy

    COLUMN = numpy.array(["row %d" % number for number in range(COUNT)], dtype=object)
    VIEW = COLUMN[10:20]
    OWNER = numpy.zeros(1000000, dtype="u1")
    OWNED_VIEW = OWNER[5:]
    handshake.serve(count=COUNT, cache=id(CACHE), column=id(COLUMN), view=id(VIEW), owner=id(OWNER), owned_view=id(OWNED_VIEW))
else:
    handshake.serve(count=COUNT, cache=id(CACHE))
