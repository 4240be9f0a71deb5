"""Two interpreters, each with objects of its own."""

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

import handshake

SECOND = """
class InSecond:
    pass


KEPT = [InSecond() for _ in range(1000)]
"""


class InFirst:
    pass


KEPT = [InFirst() for _ in range(500)]
second = interpreters.create()
getattr(interpreters, "run_string", getattr(interpreters, "exec", None))(second, SECOND)
handshake.serve()
