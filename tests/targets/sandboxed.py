"""Installs a filter of system calls that answers one of them with an error, a signal or the end of the process."""

import ctypes
import os
import struct

import handshake

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_NUMBER = (0x20, 0, 0, 0)
ALLOW = 0x7FFF0000
ACTIONS = {"error": 0x00050000 | 1, "kill": 0x80000000, "trap": 0x00030000}
# Numbers on x86_64.
CALLS = {
    "write": 1, "close": 3, "mmap": 9, "munmap": 11, "rt_sigaction": 13, "rt_sigprocmask": 14, "mremap": 25, "clone": 56, "wait4": 61,
    "fcntl": 72, "sigaltstack": 131, "prctl": 157, "gettid": 186, "timer_create": 222, "timer_settime": 223, "timer_delete": 226,
    "clock_gettime": 228, "exit_group": 231, "openat": 257, "pipe2": 293, "prlimit64": 302, "close_range": 436, "rt_sigreturn": 15,
}

HEAP = [[number, str(number)] for number in range(20000)]
number, action = CALLS[handshake.argument(1)], ACTIONS[handshake.argument(2)]
FILTER = [LOAD_NUMBER, (0x15, 0, 1, number), (0x06, 0, 0, action), (0x06, 0, 0, ALLOW)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in FILTER))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(FILTER), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
handshake.say("facts", pid=os.getpid())
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
# The answers go by another call than the walker's, so that this process can speak whatever is filtered.
handshake.say = lambda *words, **facts: os.writev(1, [handshake.line(*words, **facts)])
done = libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) == 0
handshake.say("ready" if done else "no filter can be installed")
handshake.listen({"check": list})
os.kill(os.getpid(), 9)
