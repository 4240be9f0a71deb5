"""Holds two megabytes in each of the ways in which programs hold memory unawares."""

import asyncio
import functools
import logging.handlers
import queue
import sys
import threading

import handshake

BYTES = 2000000


class Payload:
    def __init__(self):
        self.data = bytes(BYTES)


@functools.lru_cache(maxsize=None)
def remember(number):
    return Payload()


async def wait(future):
    local = Payload()
    await future
    return local


def fail():
    local = Payload()
    raise ValueError(len(local.data))


def store():
    try:
        fail()
    except ValueError as error:
        return error


CACHE = {"key": Payload()}
remember(1)
loop = asyncio.new_event_loop()
task = loop.create_task(wait(loop.create_future()))
loop.run_until_complete(asyncio.sleep(0))
stored = store()
sys.last_traceback = store().__traceback__
handler = logging.handlers.MemoryHandler(10)
handler.emit(logging.makeLogRecord({"levelno": 10, "payload": Payload()}))
waiting = queue.Queue()
waiting.put(Payload())
local = threading.local()
local.payload = Payload()
handshake.serve(payload=BYTES)
