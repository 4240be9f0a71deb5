"""Objects with the names under which they refer to others: `[source, name, target]`, by address."""

import collections
import sys

import handshake

NAMES = []


def note(source, name, target):
    NAMES.append([id(source), name, id(target)])


class Shared:
    def __init__(self):
        self.first = ["first"]
        self.second = ["second"]


class Slotted:
    __slots__ = ("left", "right", "unset")


class Child(Slotted):
    __slots__ = ("below",)


shared = [Shared() for _ in range(3)]
materialised = Shared()
# Asking for it makes the dict an object of its own.
note(vars(materialised), "['first']", materialised.first)
if sys.version_info < (3, 11):
    note(vars(shared[0]), "['first']", shared[0].first)
else:
    note(shared[0], "first", shared[0].first)
    note(shared[2], "second", shared[2].second)

slotted = Child()
slotted.left, slotted.right, slotted.below = ["left"], ["right"], ["below"]
for name in ("left", "right", "below"):
    note(slotted, name, getattr(slotted, name))

items = [["zero"], ["one"], ["two"]]
note(items, "[2]", items[2])
pair = (["a"], ["b"])
note(pair, "[1]", pair[1])
queue = collections.deque([["x"], ["y"]])
table = {"key": ["value"], ("tuple", 1): ["by tuple"]}
note(table, "['key']", table["key"])


def make():
    enclosed = ["enclosed"]

    def function(argument=["default"], *, keyword=["keyword default"]):
        return enclosed

    return function, enclosed


function, enclosed = make()
CELLS = [[id(function), "enclosed", id(enclosed)]]


def generate():
    held = ["in a generator"]
    yield held
    yield None


async def wait():
    waited = ["in a coroutine"]
    await suspend()
    return waited


class suspend:
    def __await__(self):
        yield self


generator = generate()
note(generator, "held", next(generator))
coroutine = wait()
coroutine.send(None)
note(coroutine, "waited", coroutine.cr_frame.f_locals["waited"])

counted = ["counted"]
references = [counted] * 7
FRAME_LOCALS = None
handshake.serve(names=NAMES, cells=CELLS, counted=id(counted), refcount=sys.getrefcount(counted) - 1)
coroutine.close()
