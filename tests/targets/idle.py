"""A small heap, a process that waits."""

import handshake

NUMBERS = [1000001, 1000002, 1000003]
TABLE = {"first": "one text", "second": NUMBERS}

handshake.serve(numbers=id(NUMBERS), table=id(TABLE))
