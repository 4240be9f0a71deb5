"""Writes down what the interpreter itself says of its heap, then waits to be dumped.

`python oracle.py FILE` builds the corpus and writes, for every object of the closure: address, type, `sys.getsizeof`, whether the
collector tracks it, `gc.get_referents`, and the referents that `gc` does not tell of. The closure starts at everything that the collector
knows. Each object then gets one reference for good, so that it is alive when the dump is made while nothing new refers to it: an object
that the dump contains was found on its own merits.

The file: a line of JSON, then 64-bit numbers.
"""

import array
import ctypes
import datetime
import gc
import json
import sys
import types

import corpus
import handshake

UNKNOWN_SIZE = 2**64 - 1

mro_of = type.__dict__["__mro__"].__get__
dict_of = type.__dict__["__dict__"].__get__


def python_defines_sizeof(kind):
    """Whether `sys.getsizeof` would run Python code for instances of this type."""
    for base in mro_of(kind):
        if "__sizeof__" in dict_of(base):
            return isinstance(dict_of(base)["__sizeof__"], types.FunctionType)
    return False


def code_parts():
    names = ["co_consts", "co_names", "co_filename", "co_name"]
    # Attributes that later versions compute afresh each time are left out: they are no parts of the code object.
    if sys.version_info < (3, 11):
        names += ["co_code", "co_varnames", "co_freevars", "co_cellvars"]
        names += ["co_linetable"] if sys.version_info >= (3, 10) else ["co_lnotab"]
    else:
        names += ["co_qualname", "co_linetable", "co_exceptiontable"]
    return names


CODE_PARTS = code_parts()


def beyond_gc(one, numpy):
    """Referents that `tp_traverse` does not visit."""
    kind = type(one)
    if issubclass(kind, dict):
        return list(dict.keys(one))
    if kind is types.CodeType:
        return [getattr(one, name) for name in CODE_PARTS]
    if kind is range or kind is slice:
        return [one.start, one.stop, one.step]
    if kind is datetime.datetime or kind is datetime.time:
        return [one.tzinfo] if one.tzinfo is not None else []
    if numpy is not None and kind is numpy.ndarray:
        parts = [one.dtype]
        if one.base is not None:
            parts.append(one.base)
        if one.dtype == object:
            # A view's elements belong to its base.
            parts += [] if one.base is not None else [element for element in one.flat]
        return parts
    return []


def closure(excluded, numpy):
    found = {}
    frame = sys._getframe()
    while frame is not None:
        excluded.add(id(frame))
        frame = frame.f_back
    todo = [one for one in gc.get_objects() if id(one) not in excluded]
    todo += [sys.modules, sys]
    while todo:
        one = todo.pop()
        if id(one) in found or id(one) in excluded or id(one) in (id(found), id(todo)):
            continue
        found[id(one)] = one
        todo += gc.get_referents(one)
        todo += beyond_gc(one, numpy)
        todo.append(type(one))
    return list(found.values())


def describe(one, numpy):
    kind = type(one)
    size = UNKNOWN_SIZE if python_defines_sizeof(kind) else sys.getsizeof(one)
    referents = gc.get_referents(one)
    more = beyond_gc(one, numpy)
    head = [id(one), id(kind), size, int(gc.is_tracked(one)), len(referents), len(more)]
    return head + [id(other) for other in referents] + [id(other) for other in more]


def write(path):
    excluded = {id(vars(sys.modules["__main__"])), id(sys.modules["__main__"])}
    excluded.add(id(excluded))
    numpy = sys.modules.get("numpy")
    gc.collect()
    gc.disable()
    objects = closure(excluded, numpy)
    hold = ctypes.pythonapi.Py_IncRef
    hold.argtypes = [ctypes.py_object]
    hold.restype = None
    for one in objects:
        hold(one)
    for one in objects[:50]:
        describe(one, numpy)
    # What differs between two looks is alive with the oracle itself: no fact to compare.
    numbers = array.array("Q")
    kinds = {}
    for one in objects:
        first = describe(one, numpy)
        if first == describe(one, numpy):
            numbers.extend(first)
            kinds[id(type(one))] = type(one)
    names = {str(address): "%s.%s" % (kind.__module__, kind.__qualname__) for address, kind in kinds.items()}
    with open(path, "wb") as file:
        file.write(json.dumps({"version": sys.version, "types": names, "objects": len(objects)}).encode() + b"\n")
        file.write(numbers.tobytes())
    return len(objects)


if __name__ == "__main__":
    KEPT = corpus.build()
    count = write(handshake.argument())
    handshake.serve(objects=count)
