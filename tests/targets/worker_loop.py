"""The main thread waits for a worker that spins in pure Python: no call of the main thread is ever due."""

import threading

import handshake

state = {"running": True, "turns": 0}


def spin():
    turns = 0
    while state["running"]:
        turns += 1
        state["turns"] = turns


def answer():
    handshake.serve({"turns": lambda: state["turns"]})
    state["running"] = False


worker = threading.Thread(target=spin, name="spins")
worker.start()
threading.Thread(target=answer, name="answers").start()
worker.join()
