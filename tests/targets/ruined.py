"""A heap with one kind of damage, by name, amid sound objects. No collection may ever touch it, so the process ends without cleaning up."""

import ctypes
import gc
import os

import handshake

gc.disable()
WILD = 0xDEAD0000
NOT_CANONICAL = 0xDEADBEEFDEADBEEF
HUGE = 1 << 60
TYPE, SIZE = 8, 16
LIST_ITEMS, LIST_ALLOCATED, TUPLE_ITEMS = 24, 32, 24
DICT_USED, DICT_KEYS, DICT_VALUES = 16, 32, 40
STR_LENGTH, STR_STATE = 16, 32
TYPE_NAME, TYPE_BASIC_SIZE, TYPE_TRAVERSE = 24, 32, 184
COLLECTOR_NEXT, COLLECTOR_PREVIOUS = -16, -8


class Victim:
    def __init__(self):
        self.attribute = ["of a victim"]


class Other(Victim):
    pass


SOUND = [["sound", number] for number in range(100)]
INSTANCES = [Victim() for _ in range(10)]
OTHERS = [Other() for _ in range(10)]
LISTS = [["list %d" % number, number] for number in range(10)]
STRS = ["text %d" % number for number in range(10)]
DICTS = [{"key %d" % number: number, number: "any"} for number in range(10)]
TUPLES = [("tuple %d" % number, number) for number in range(10)]
BYTES = [b"bytes %d" % number for number in range(10)]
INTS = [(1 << 100) + number for number in range(10)]
libc = ctypes.CDLL(None)


def function(name):
    return ctypes.cast(getattr(libc, name), ctypes.c_void_p).value


# What is overwritten: an object, at which offset, with what.
DAMAGE = {
    "instance_without_type": (INSTANCES[5], TYPE, 0),
    "list_without_type": (LISTS[5], TYPE, 0),
    "str_without_type": (STRS[5], TYPE, 0),
    "dict_without_type": (DICTS[5], TYPE, 0),
    "tuple_without_type": (TUPLES[5], TYPE, 0),
    "wild_type": (INSTANCES[5], TYPE, WILD),
    "type_not_canonical": (LISTS[5], TYPE, NOT_CANONICAL),
    "type_in_first_page": (STRS[5], TYPE, 0x10),
    "type_unaligned": (DICTS[5], TYPE, id(dict) + 1),
    "type_is_list": (INSTANCES[5], TYPE, id(LISTS[1])),
    "type_is_itself": (TUPLES[5], TYPE, id(TUPLES[5])),
    "tuple_huge": (TUPLES[5], SIZE, HUGE),
    "tuple_negative": (TUPLES[5], SIZE, (1 << 64) - 1),
    "tuple_wild_item": (TUPLES[5], TUPLE_ITEMS, WILD),
    "tuple_unaligned_item": (TUPLES[5], TUPLE_ITEMS, id(STRS[1]) + 3),
    "list_huge": (LISTS[5], SIZE, HUGE),
    "list_wild_items": (LISTS[5], LIST_ITEMS, WILD),
    "list_without_items": (LISTS[5], LIST_ITEMS, 0),
    "list_little_allocated": (LISTS[5], LIST_ALLOCATED, 1),
    "dict_without_keys": (DICTS[5], DICT_KEYS, 0),
    "dict_wild_keys": (DICTS[5], DICT_KEYS, WILD),
    "dict_wild_values": (DICTS[5], DICT_VALUES, WILD),
    "dict_huge": (DICTS[5], DICT_USED, HUGE),
    "str_huge": (STRS[5], STR_LENGTH, HUGE),
    "str_wild_state": (STRS[5], STR_STATE, NOT_CANONICAL),
    "bytes_huge": (BYTES[5], SIZE, HUGE),
    "int_huge": (INTS[5], SIZE, HUGE),
    "collector_next_wild": (LISTS[5], COLLECTOR_NEXT, WILD),
    "collector_next_null": (LISTS[5], COLLECTOR_NEXT, 0),
    "collector_next_itself": (LISTS[5], COLLECTOR_NEXT, id(LISTS[5]) - 16),
    "collector_previous_wild": (LISTS[5], COLLECTOR_PREVIOUS, WILD),
    "reference_count_huge": (LISTS[5], 0, HUGE),
    "type_name_wild": (Other, TYPE_NAME, WILD),
    "type_basic_size_huge": (Other, TYPE_BASIC_SIZE, HUGE),
    "traverse_wild": (Other, TYPE_TRAVERSE, WILD),
    "traverse_never_returns": (Other, TYPE_TRAVERSE, function("pause")),
    "traverse_aborts": (Other, TYPE_TRAVERSE, function("abort")),
}
victim, offset, value = DAMAGE[handshake.argument()]
ctypes.c_uint64.from_address(id(victim) + offset).value = value
handshake.serve({"check": list}, sound=id(SOUND))
os._exit(0)
