"""Objects that raise, or never return, whatever Python asks them."""

import os

import handshake

TRAPS = ["__repr__", "__str__", "__sizeof__", "__dir__", "__hash__", "__eq__", "__len__", "__iter__", "__bool__", "__format__", "__reduce_ex__", "__class__"]


def raises(*arguments, **named):
    raise SystemError("hostile")


def never_returns(*arguments, **named):
    handshake.say("called")
    while True:
        pass


def trapped(name, answer):
    body = {trap: answer for trap in TRAPS if trap != "__class__"}
    body["__class__"] = property(answer)
    body["__getattribute__"] = answer
    body["__del__"] = lambda self: None
    return type(name, (), body)


class HostileMeta(type):
    __repr__ = __str__ = __dir__ = __instancecheck__ = __subclasscheck__ = never_returns
    __hash__ = type.__hash__

    def __getattribute__(cls, name):
        never_returns()


class HostileStr(str):
    __repr__ = __str__ = __len__ = __sizeof__ = __iter__ = never_returns


class HostileDict(dict):
    __repr__ = __len__ = __sizeof__ = __iter__ = keys = items = values = __getitem__ = never_returns


class HostileInt(int):
    __repr__ = __str__ = __index__ = __int__ = __sizeof__ = never_returns


Raising = trapped("Raising", raises)
Waiting = trapped("Waiting", never_returns)
WithMeta = type.__call__(HostileMeta, "WithMeta", (), {})
KEPT = [Raising(), Waiting(), HostileStr("hostile text"), HostileDict(key="value"), HostileInt(5), WithMeta, object.__new__(WithMeta)]
handshake.serve(kept=id(KEPT), addresses=[id(one) for one in KEPT], types=[id(type(one)) for one in KEPT])
os._exit(0)
