"""Keeps a page of objects from its forks."""

import ctypes

import handshake

PAGE = 4096
MADV_DONTFORK = 10


class Part:
    pass


KEPT = [Part() for _ in range(20000)]
page = id(KEPT[10000]) // PAGE * PAGE
libc = ctypes.CDLL(None, use_errno=True)
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
done = libc.madvise(page, PAGE, MADV_DONTFORK)
within = [id(part) for part in KEPT if id(part) // PAGE * PAGE == page]
handshake.serve(done=done == 0, list=id(KEPT), within=within)
