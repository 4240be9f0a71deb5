"""The main thread spins in pure Python; a second one answers."""

import threading

import handshake

state = {"running": True, "turns": 0}


def answer():
    handshake.serve({"turns": lambda: state["turns"]})
    state["running"] = False


threading.Thread(target=answer, name="answers").start()
turns = 0
while state["running"]:
    turns += 1
    state["turns"] = turns
