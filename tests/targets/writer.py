"""Threads write over memory as fast as they can, without the GIL, while the main thread answers."""

import ctypes
import threading

import handshake

THREADS = 2
size = int(handshake.argument()) << 20
HEAP = [[number, str(number)] for number in range(int(handshake.argument(2)))]
state = {"running": True, "turns": 0}


def write(memory):
    while state["running"]:
        state["turns"] += 1
        ctypes.memset(memory, state["turns"] % 256, len(memory))


writers = [threading.Thread(target=write, args=(ctypes.create_string_buffer(size // THREADS),)) for _ in range(THREADS)]
for writer in writers:
    writer.start()
handshake.serve({"turns": lambda: state["turns"]})
state["running"] = False
