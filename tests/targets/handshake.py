"""What every target does: say when it is ready, answer what it is asked, end with 0 when told to.

A target talks with the test over its standard input and output, one line each way, so that a test never needs to wait by the clock.
"""

import json
import os
import sys


def line(*words, **facts):
    text = " ".join(words)
    if facts:
        text += " " + json.dumps(facts)
    return text.encode() + b"\n"


def say(*words, **facts):
    os.write(1, line(*words, **facts))


def introduce(**facts):
    """Tells facts, and when all that telling them took of the memory is free again, that the target is ready."""
    say("facts", pid=os.getpid(), **facts)
    say("ready")


def serve(answers=None, **facts):
    """Introduces itself, then answers lines until `exit`; `ping` works everywhere."""
    introduce(**facts)
    listen(answers)


def listen(answers=None):
    """Answers lines until `exit`."""
    answers = answers or {}
    while True:
        words = read_line().split()
        if not words:
            os._exit(3)
        if words[0] == "exit":
            say("bye")
            return
        if words[0] == "ping":
            say("pong", *words[1:])
        else:
            say("answer", value=answers[words[0]](*words[1:]))


def read_line():
    """A line of standard input, read without buffers that would stay behind in the heap."""
    text = b""
    while not text.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        text += byte
    return text.decode()


def argument(number=1):
    return sys.argv[number]
