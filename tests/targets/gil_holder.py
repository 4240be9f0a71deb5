"""Waits in C code that keeps the GIL until the line `go` comes: nothing can make it run Python code before."""

import ctypes

import handshake

library = ctypes.PyDLL(None)
buffer = ctypes.create_string_buffer(3)
handshake.introduce()
library.read(0, buffer, 3)
handshake.listen()
