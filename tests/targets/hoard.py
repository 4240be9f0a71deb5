"""A process that takes memory when it is told to."""

import handshake

HOARD = []


def grow(megabytes):
    # Written to, so that all of it is resident.
    HOARD.append(bytearray(b"\1") * (int(megabytes) << 20))
    return len(HOARD)


handshake.serve({"grow": grow})
