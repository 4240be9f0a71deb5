"""The main thread only sleeps, for short times; a second one answers."""

import threading
import time

import handshake

state = {"running": True, "turns": 0}


def answer():
    handshake.serve({"turns": lambda: state["turns"]})
    state["running"] = False


threading.Thread(target=answer, name="answers").start()
while state["running"]:
    time.sleep(0.002)
    state["turns"] += 1
