"""Waits inside a finalizer that a collection runs."""

import gc
import os

import handshake


class Waits:
    def __init__(self):
        self.me = self
        self.kept = ["in the finalizer"]

    def __del__(self):
        handshake.serve(self=id(self))


KEPT = [[number] for number in range(1000)]
Waits()
gc.collect()
