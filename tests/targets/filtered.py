"""Filters its own system calls: filtered.py errno|kill|trap CALL... answers each of these so."""

import ctypes
import struct
import sys

import handshake

NUMBERS = {
    "x86_64": {
        "write": 1, "close": 3, "mmap": 9, "munmap": 11, "rt_sigaction": 13, "clone": 56, "wait4": 61, "prctl": 157,
        "timer_create": 222, "clock_gettime": 228, "exit_group": 231, "openat": 257, "pipe2": 293, "close_range": 436,
    },
    "aarch64": {
        "write": 64, "close": 57, "mmap": 222, "munmap": 215, "rt_sigaction": 134, "clone": 220, "wait4": 260, "prctl": 167,
        "timer_create": 107, "clock_gettime": 113, "exit_group": 94, "openat": 56, "pipe2": 59, "close_range": 436,
    },
}[handshake.os.uname().machine]
ANSWERS = {"errno": 0x00050000 | 1, "kill": 0x80000000, "trap": 0x00030000}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


def filtered(answer, calls):
    """BPF: load the number; compare; return."""
    lines = [(0x20, 0, 0, 0)]
    for call in calls:
        lines += [(0x15, 0, 1, NUMBERS[call]), (0x06, 0, 0, ANSWERS[answer])]
    return lines + [(0x06, 0, 0, 0x7FFF0000)]


HEAP = [[number, str(number)] for number in range(50000)]
lines = filtered(sys.argv[1], sys.argv[2:])
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(lines), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
done = libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)
handshake.serve(seccomp=done == 0, heap=id(HEAP))
