"""Programs of many kinds, one by name: each sets something up that a debugger might disturb, and tells when it was disturbed."""

import ctypes
import faulthandler
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

import handshake

KINDS = {}
faults = []
counts = {"turns": 0, "signals": 0}
running = threading.Event()
running.set()
libc = ctypes.CDLL(None, use_errno=True)
PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, MCL_CURRENT, MADV_HUGEPAGE = 4, 36, 1, 14
KEPT = []


def kind(function):
    KINDS[function.__name__] = function
    return function


def in_background(work, threads=1):
    def turn():
        while running.is_set():
            try:
                work()
            except Exception as error:
                faults.append(repr(error))
            counts["turns"] += 1

    for _ in range(threads):
        KEPT.append(threading.Thread(target=turn))
        KEPT[-1].start()


def expect(value, expected, what):
    if value != expected:
        faults.append("%s: %r" % (what, value))


def count_signals(number):
    signal.signal(number, lambda *_: counts.__setitem__("signals", counts["signals"] + 1))


def limit(what, soft):
    resource.setrlimit(what, (soft, resource.getrlimit(what)[1]))


@kind
def subprocesses():
    in_background(lambda: expect(subprocess.call(["/bin/true"]), 0, "exit status"), 2)


@kind
def forks():
    def fork():
        pid = os.fork()
        if not pid:
            os._exit(7)
        expect(os.waitpid(pid, 0)[1] >> 8, 7, "exit status")

    in_background(fork)


@kind
def reaper():
    def reap():
        mine = {os.posix_spawn("/bin/true", ["true"], {}) for _ in range(4)}
        while mine:
            pid = os.waitpid(-1, 0)[0]
            expect(pid in mine, True, "a child of somebody else")
            mine.discard(pid)

    in_background(reap)


@kind
def child_signals():
    count_signals(signal.SIGCHLD)
    in_background(lambda: expect(os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1], 0, "exit status"))


@kind
def alarms():
    count_signals(signal.SIGALRM)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)


@kind
def profiled():
    count_signals(signal.SIGPROF)
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    in_background(lambda: sum(range(1000)))


@kind
def thread_churn():
    def churn():
        threads = [threading.Thread(target=time.sleep, args=(0.001,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    in_background(churn)


@kind
def thousand_threads():
    threading.stack_size(64 * 1024)
    for _ in range(1000):
        KEPT.append(threading.Thread(target=stop.wait))
        KEPT[-1].start()


@kind
def wakeup_descriptor():
    faulthandler.enable()
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    reader.setblocking(False)
    signal.set_wakeup_fd(writer.fileno())
    count_signals(signal.SIGUSR1)
    KEPT.extend([reader, writer])


@kind
def small_stacks():
    threading.stack_size(32 * 1024)
    in_background(lambda: expect(len("x" * 100), 100, "length"), 4)


@kind
def deep_stack():
    sys.setrecursionlimit(200000)
    threading.stack_size(1 << 30)
    ready = threading.Event()

    def descend(depth):
        if depth:
            return descend(depth - 1) + 1
        ready.set()
        stop.wait()
        return 0

    KEPT.append(threading.Thread(target=lambda: expect(descend(50000), 50000, "depth")))
    KEPT[-1].start()
    ready.wait()


@kind
def plain():
    """For what is set up from outside: options, environment, namespaces."""


@kind
def huge_pages():
    area = mmap.mmap(-1, 64 << 20)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(len(area)), MADV_HUGEPAGE)
    for place in range(0, len(area), 4096):
        area[place] = 1
    KEPT.append(area)


@kind
def locked_memory():
    expect(libc.mlockall(MCL_CURRENT), 0, "mlockall")


@kind
def not_dumpable():
    expect(libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0, "prctl")


@kind
def subreaper():
    expect(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0, "prctl")
    count_signals(signal.SIGCHLD)


@kind
def continue_handler():
    count_signals(signal.SIGCONT)


@kind
def deleted_binary():
    os.unlink(sys.executable)


@kind
def no_processes():
    limit(resource.RLIMIT_NPROC, 1)
    os.setresuid(65534, 65534, 65534)


@kind
def no_descriptors():
    limit(resource.RLIMIT_NOFILE, 3)


@kind
def no_address_space():
    import re

    size = int(re.search(r"VmSize:\s*(\d+)", open("/proc/self/status").read()).group(1)) << 10
    limit(resource.RLIMIT_AS, size + (4 << 20))


@kind
def no_file_size():
    limit(resource.RLIMIT_FSIZE, 0)


@kind
def little_time():
    limit(resource.RLIMIT_CPU, 60)


@kind
def small_stack():
    limit(resource.RLIMIT_STACK, 64 * 1024)


def check():
    """What was disturbed, and whether those who turn still do; signals that nobody sent are faults, too."""
    before = counts["turns"]
    name = handshake.argument()
    while running.is_set() and any(not thread.daemon for thread in KEPT if isinstance(thread, threading.Thread)) and counts["turns"] == before:
        if name in ("thousand_threads", "deep_stack"):
            break
        time.sleep(0.001)
    if name == "subreaper":
        # SIGCHLD itself cannot be kept from it: the kernel sends it when the copy ends.
        try:
            faults.append("a child of somebody else: %r" % (os.waitpid(-1, os.WNOHANG),))
        except ChildProcessError:
            pass
    if name in ("continue_handler", "wakeup_descriptor") and counts["signals"]:
        faults.append("%d signals" % counts["signals"])
    if name in ("alarms", "child_signals"):
        signals = counts["signals"]
        deadline = time.monotonic() + 10
        while counts["signals"] == signals and time.monotonic() < deadline:
            time.sleep(0.001)
        expect(counts["signals"] > signals, True, "signals arrive")
    return faults


stop = threading.Event()
KINDS[handshake.argument()]()
handshake.serve({"check": check})
running.clear()
signal.setitimer(signal.ITIMER_REAL, 0)
signal.setitimer(signal.ITIMER_PROF, 0)
stop.set()
