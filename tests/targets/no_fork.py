"""Refuses to make processes: the kernel answers every clone with EPERM."""

import ctypes
import struct

import handshake

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_NUMBER = (0x20, 0, 0, 0)
CLONE = {"x86_64": 56, "aarch64": 220}[handshake.os.uname().machine]
FILTER = [LOAD_NUMBER, (0x15, 0, 1, CLONE), (0x06, 0, 0, 0x00050000 | 1), (0x06, 0, 0, 0x7FFF0000)]

HEAP = [[number, str(number)] for number in range(50000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in FILTER))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(FILTER), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
done = libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)
handshake.serve(seccomp=done == 0, heap=id(HEAP))
