"""Gets a signal every millisecond, and would notice a child that is not its own."""

import os
import signal
import sys

import handshake

counts = {"alarm": 0, "child": 0}


def alarm(number, frame):
    counts["alarm"] += 1


def child(number, frame):
    counts["child"] += 1


def strangers():
    """Processes that `wait` hands out, though none was started here."""
    found = []
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found + ["running"]
        found.append(pid)


if "subreaper" in sys.argv:
    import ctypes

    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
HEAP = [{"number": number} for number in range(100000)]
signal.signal(signal.SIGALRM, alarm)
signal.signal(signal.SIGCHLD, child)
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
handshake.serve({"alarms": lambda: counts["alarm"], "children": lambda: counts["child"], "strangers": strangers})
signal.setitimer(signal.ITIMER_REAL, 0)
