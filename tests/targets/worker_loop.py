"""Workers never stop computing while the main thread waits for them, or for its standard input: nobody asks for the GIL.

Arguments: what the workers do in their loops, their number, what the main thread does.
"""

import sys
import threading

import handshake

state = {"running": True, "turns": 0}


class Thing:
    def method(self, x):
        return x


def nothing(thing):
    turns = 0
    while state["running"]:
        turns += 1
        state["turns"] = turns


def call(thing):
    def g(x):
        return x

    while state["running"]:
        state["turns"] += g(1)


def method(thing):
    while state["running"]:
        state["turns"] += thing.method(1)


def comprehension(thing):
    while state["running"]:
        state["turns"] += len([x for x in (1, 2, 3)])


def native(thing):
    while state["running"]:
        state["turns"] += len("a b".upper().split())


def answer():
    handshake.serve({"turns": lambda: state["turns"]})
    state["running"] = False


loop, workers, waits = sys.argv[1], int(sys.argv[2]), sys.argv[3]
threads = [threading.Thread(target=globals()[loop], args=(Thing(),), name="spins") for _ in range(workers)]
for thread in threads:
    thread.start()
if waits == "stdin":
    answer()
else:
    threading.Thread(target=answer, name="answers").start()
for thread in threads:
    thread.join()
