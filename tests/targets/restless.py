"""A process that is hard to hold: many threads, new ones all the time, children all the time, a child that has not begun its program, a first
thread that has ended, a program that is executed again and again.
"""

import ctypes
import os
import sys
import threading
import time

import handshake

KIND = handshake.argument()


def in_background(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def for_ever(function):
    while True:
        function()


def thread():
    one = threading.Thread(target=lambda: None)
    one.start()
    one.join()


def child():
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)


def vfork_child(fifo):
    # Such a child opens its files before it begins its program, and its parent waits in the kernel for that.
    action = (os.POSIX_SPAWN_OPEN, 5, fifo, os.O_RDONLY, 0)
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}, file_actions=[action]), 0)


if KIND == "threads":
    threading.stack_size(64 << 10)
    begun = threading.Barrier(int(handshake.argument(2)) + 1)
    for _ in range(int(handshake.argument(2))):
        in_background(lambda: (begun.wait(), time.sleep(1000)))
    begun.wait()
elif KIND == "churn":
    for _ in range(4):
        in_background(for_ever, thread)
elif KIND == "children":
    for _ in range(2):
        in_background(for_ever, child)
elif KIND == "vfork":
    handshake.introduce()
    vfork_child(handshake.argument(2))
    handshake.listen()
    os._exit(0)
elif KIND == "leader":
    in_background(lambda: (handshake.serve(), os._exit(0)))
    EXIT_THIS_THREAD = 60
    ctypes.CDLL(None).syscall(EXIT_THIS_THREAD, 0)
elif KIND == "exec":
    left = int(handshake.argument(2))
    if len(sys.argv) < 4:
        handshake.introduce()
    if left:
        time.sleep(0.005)
        os.execv(sys.executable, [sys.executable, sys.argv[0], KIND, str(left - 1), "again"])
    handshake.listen()
    os._exit(0)
handshake.serve()
