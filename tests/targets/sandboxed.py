"""Filters one of its system calls, sandboxed.py CALL errno|kill|trap, and goes on speaking whichever that is."""

import os

import handshake
import seccomp

HEAP = [[number, str(number)] for number in range(20000)]
install = seccomp.filtering(handshake.argument(2), [handshake.argument(1)])
handshake.say("facts", pid=os.getpid())
# The answers go by another call than the walker's, so that this process can speak whatever is filtered.
handshake.say = lambda *words, **facts: os.writev(1, [handshake.line(*words, **facts)])
handshake.say("ready" if install() else "no filter can be installed")
handshake.listen({"check": list})
os.kill(os.getpid(), 9)
