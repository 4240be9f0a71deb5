"""Does one thing again and again in its main thread, as told by its argument, and notices when that goes wrong.

`round` waits until a round that began after the question has ended, and tells what was wrong since it was last asked. `load` loads and
unloads an extension's file, which runs the loader's own code; `extension` imports one for good.
"""

import ctypes
import os
import select
import socket
import sys
import threading
import time

import _ctypes
import handshake

KIND = handshake.argument()
NAP = 0.2
# For who needs a walk that takes a while.
HEAP = [{"number": number, "text": "text %d" % number} for number in range(int(os.environ.get("OBJECTS", "0")))]
faults = []
rounds = {"begun": 0, "ended": 0}
running = threading.Event()
running.set()
changed = threading.Condition()


def fault(what, **details):
    faults.append(dict(details, what=what))


def told():
    found = faults[:]
    del faults[: len(found)]
    return found


def round_ends():
    with changed:
        awaited = rounds["begun"] + 1
        changed.wait_for(lambda: rounds["ended"] >= awaited or not running.is_set())
    return told()


def load():
    handle = _ctypes.dlopen(EXTENSION, os.RTLD_NOW)
    _ctypes.dlclose(handle)
    return handle != 0


def extension():
    import _decimal

    return str(_decimal.Decimal(2).sqrt())[:6]


def find_extension():
    """The file of an extension that nobody has loaded; where it is built in, another one."""
    import importlib.util

    for name in ("_decimal", "_json", "_bisect", "_heapq", "_lsprof"):
        spec = importlib.util.find_spec(name)
        if name not in sys.modules and spec is not None and spec.has_location:
            return spec.origin
    return None


def turn(work):
    """Rounds of work in the main thread, while another one answers."""

    def answer():
        handshake.serve(ANSWERS, kind=KIND)
        running.clear()
        with changed:
            changed.notify_all()

    threading.Thread(target=answer, name="answers").start()
    while running.is_set():
        with changed:
            rounds["begun"] += 1
        try:
            work()
        except OSError as error:
            fault("error", number=error.errno, text=str(error))
        with changed:
            rounds["ended"] += 1
            changed.notify_all()


def idle():
    handshake.serve(dict(ANSWERS, round=told), kind=KIND)


def napping():
    """A sleep that the kernel does not take up again by itself, and that nobody in Python does either."""
    libc = ctypes.CDLL(None, use_errno=True)

    def work():
        begin = time.monotonic()
        result = libc.usleep(int(NAP * 1e6))
        lasted = time.monotonic() - begin
        if result or lasted < NAP:
            fault("nap", result=result, number=ctypes.get_errno(), lasted=lasted)
        longest["nap"] = max(longest["nap"], lasted)

    longest = {"nap": 0.0}

    def over():
        found = {"what": "longest", "lasted": longest["nap"]}
        longest["nap"] = 0.0
        return round_ends() + [found]

    ANSWERS["round"] = over
    turn(work)


def busy():
    def compute():
        number = 1
        for step in range(20000):
            number = (number * 6364136223846793005 + step) % (1 << 64)
        return "%x" % number

    expected = compute()

    def work():
        found = compute()
        if found != expected:
            fault("arithmetic", found=found)

    turn(work)


def vectors():
    library = ctypes.CDLL(handshake.argument(2))
    library.keep.restype = ctypes.c_long
    library.keep.argtypes = [ctypes.c_long]

    def work():
        found = library.keep(30000000)
        if found:
            fault("registers", count=found)

    turn(work)


def accepting():
    """Blocks in accept; each round a client comes."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(b"\0pyheap-%d" % os.getpid())
    listener.listen()

    def work():
        connection = listener.accept()[0]
        connection.sendall(connection.recv(100))
        connection.close()

    def call():
        # The round that takes this client may not have begun yet.
        awaited = rounds["ended"] + 1
        client = socket.socket(socket.AF_UNIX)
        client.connect(listener.getsockname())
        client.sendall(b"hello")
        if client.recv(100) != b"hello":
            fault("connection")
        client.close()
        with changed:
            changed.wait_for(lambda: rounds["ended"] >= awaited)
        return told()

    def leave():
        running.clear()
        return call()

    ANSWERS.update(round=call, leave=leave)
    turn(work)


def polling():
    """Waits in epoll for its questions."""
    poll = select.epoll()
    poll.register(0, select.EPOLLIN)
    take = handshake.read_line

    def read_line():
        events = poll.poll()
        if len(events) != 1 or not events[0][1] & select.EPOLLIN:
            fault("events", found=events)
        return take()

    handshake.read_line = read_line
    handshake.serve(dict(ANSWERS, round=told), kind=KIND)


EXTENSION = find_extension()
ANSWERS = {"round": round_ends, "load": load, "extension": extension, "leave": told}
{"idle": idle, "napping": napping, "busy": busy, "vectors": vectors, "accepting": accepting, "polling": polling}[KIND]()
