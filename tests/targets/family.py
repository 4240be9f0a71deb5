"""A server with workers that it has forked: they end with it."""

import os

import handshake

children = []
ours, theirs = os.pipe()
for _ in range(int(handshake.argument())):
    child = os.fork()
    if not child:
        os.close(theirs)
        os.read(ours, 1)
        os._exit(0)
    children.append(child)
os.close(ours)
handshake.serve(children=children)
os.close(theirs)
for child in children:
    os.waitpid(child, 0)
