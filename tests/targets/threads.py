"""Fifty threads with known frames, and what the interpreter says of them."""

import os
import sys
import threading
import traceback

import handshake

COUNT = 50
read_end, write_end = os.pipe()


def outer(number, label):
    held = [number, label]
    table = {"number": number}

    def inner(depth):
        seen = (depth, table)
        if depth:
            inner(depth - 1)
        else:
            os.read(read_end, 1)  # waits here
        return seen

    inner(number % 3)
    return held


def frames_of(frame):
    found = []
    while frame is not None:
        code = frame.f_code
        found.append(
            {
                "file": code.co_filename, "line": frame.f_lineno, "function": getattr(code, "co_qualname", code.co_name),
                "locals": {name: id(value) for name, value in frame.f_locals.items()},
            }
        )
        frame = frame.f_back
    return found


def waiting(frame):
    line = traceback.extract_stack(frame)[-1]
    return "waits here" in (line.line or "") or "os.read(read_end" in (line.line or "")


threads = [
    threading.Thread(target=outer, args=(number, "label %d" % number), name="thread number %d" % number, daemon=number % 2 == 0) for number in range(COUNT)
]
for thread in threads:
    thread.start()
while not all(thread.ident in sys._current_frames() and waiting(sys._current_frames()[thread.ident]) for thread in threads):
    pass
stacks = sys._current_frames()
facts = [
    {"name": thread.name, "ident": thread.ident, "native_id": thread.native_id, "daemon": thread.daemon, "object": id(thread), "frames": frames_of(stacks[thread.ident])}
    for thread in threads
]
main = threading.main_thread()
del stacks
handshake.serve(threads=facts, main={"ident": main.ident, "native_id": main.native_id, "object": id(main)})
os.write(write_end, b"x" * COUNT)
for thread in threads:
    thread.join()
