"""Holds a doubly linked list of 1,000 nodes with 10 MB: one cycle, which counting references never frees."""

import handshake

NODES = 1000
BYTES = 10000


class Node:
    def __init__(self, before):
        self.payload = bytes(BYTES)
        self.before = before
        self.after = None
        if before is not None:
            before.after = self


class Holder:
    def __init__(self):
        node = self.first = Node(None)
        for _ in range(NODES - 1):
            node = Node(node)


holder = Holder()
handshake.serve(holder=id(holder), payload=NODES * BYTES)
