"""Objects that only one namespace holds, and the value of any expression."""

import builtins
import sys

import __main__

import handshake


class Held:
    pass


sys.only_in_sys = Held()
builtins.only_in_builtins = Held()
only_in_main = Held()

handshake.serve(
    {"identity": lambda expression: id(eval(expression))},
    sys=id(sys.only_in_sys),
    builtins=id(builtins.only_in_builtins),
    main=id(only_in_main),
    modules=id(sys.modules),
)
