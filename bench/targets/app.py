"""An application of 1.6 million objects that notes every gap in a heartbeat of one millisecond.

Talks by lines: says `ready`, answers `reset`, `gaps`, `walk`, `agent`, `fork` with a line of JSON, ends at `exit`.
"""

import gc
import inspect
import json
import os
import sys
import threading
import time

COUNT = int(sys.argv[1])
THREADS = int(sys.argv[2])
SAMPLE = 20_000


class Item:
    def __init__(self, number):
        self.name = "item number %d" % number
        self.rows = [(number * 1000 + row, "row %d" % row) for row in range(3)]
        self.options = {"colour": "colour %d" % number, "size": number * 100, "label": str(number)}


ITEMS = [Item(number) for number in range(COUNT)]
gaps = []
beating = True


def beat():
    last = time.monotonic()
    while beating:
        time.sleep(0.001)
        now = time.monotonic()
        if now - last > 0.003:
            gaps.append((last, now))
        last = now


def walk():
    """What any tool inside the process would have to do at least."""
    begin = time.perf_counter()
    objects = gc.get_objects()
    size = sum(map(sys.getsizeof, objects))
    return {"objects": len(objects), "size": size, "seconds": time.perf_counter() - begin}


def agent():
    """What a dumper written in Python does inside the process for each object: size, type, referents, attributes."""
    objects = gc.get_objects()
    # All over the heap.
    objects = objects[:: max(1, len(objects) // SAMPLE)][:SAMPLE]
    begin = time.perf_counter()
    for one in objects:
        sys.getsizeof(one)
        gc.get_referents(one)
        for name in dir(one):
            inspect.getattr_static(one, name, None)
    return {"objects": len(objects), "seconds": (time.perf_counter() - begin) * SAMPLE / len(objects)}


def fork():
    begin = time.perf_counter()
    child = os.fork()
    if not child:
        os._exit(0)
    seconds = time.perf_counter() - begin
    os.waitpid(child, 0)
    return {"seconds": seconds}


def reset():
    gaps.clear()
    return {"now": time.monotonic()}


ANSWERS = {"reset": reset, "gaps": lambda: gaps, "walk": walk, "agent": agent, "fork": fork}
gc.collect()
heart = threading.Thread(target=beat, name="heartbeat")
heart.start()
end = threading.Event()
for _ in range(THREADS):
    threading.Thread(target=end.wait).start()
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "exit":
        break
    print(json.dumps(ANSWERS[line.strip()]()), flush=True)
end.set()
beating = False
heart.join()
