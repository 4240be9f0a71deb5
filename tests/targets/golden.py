"""A small program with something for every question to find. It stands alone, so that its heap is small and holds no paths of a project.

Lines of standard input make it go on: `ping` is answered, `grow` adds sessions, `exit` ends it.
"""

import functools
import gc
import os
import threading


class Session:
    def __init__(self, number):
        self.name = "session %d" % number
        self.history = [float(number), number * 1000, None]
        self.owner = None


class Point:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y


class Node:
    def __init__(self, before):
        self.before = before
        self.after = None
        if before is not None:
            before.after = self


@functools.lru_cache(maxsize=None)
def remember(number):
    return b"%06d" % number * 40


def numbers(count):
    for number in range(count):
        yield number


def work(started, leave):
    request = {"path": "/index", "body": bytearray(3000)}
    started.set()
    leave.wait()
    return request


def chain(length):
    first = node = Node(None)
    for _ in range(length):
        node = Node(node)
    return first


CACHE = {"session": [Session(number) for number in range(150)], "empty": []}
POINTS = tuple(Point(number, -number) for number in range(20))
COPIES = ["the same text, %d times" % 40 for _ in range(40)]
MEASURED = [float(number) + 0.5 for number in range(200)]
LINKED = chain(30)
SUSPENDED = numbers(3)
next(SUSPENDED)
for number in range(50):
    remember(number)
# Garbage, which stays.
gc.disable()
chain(10)

started, leave = threading.Event(), threading.Event()
worker = threading.Thread(target=work, args=(started, leave), name="worker", daemon=True)
worker.start()
started.wait()


def serve():
    local = CACHE["session"][0]
    os.write(1, b"facts {}\nready\n")
    while True:
        line = os.read(0, 100)
        if line.startswith(b"ping"):
            os.write(1, b"pong" + line[4:])
        elif line == b"grow\n":
            CACHE["session"].extend(Session(number) for number in range(100))
            os.write(1, b"answer {}\n")
        elif line == b"exit\n":
            os.write(1, b"bye\n")
            return local


serve()
