"""Objects whose memory was overwritten, amid sound ones. No collection may ever touch them, so the process ends without cleaning up."""

import ctypes
import gc
import os

import handshake

gc.disable()
NOWHERE = 0x10
POINTER = ctypes.sizeof(ctypes.c_void_p)


class Victim:
    pass


def poke(address, value):
    ctypes.c_uint64.from_address(address).value = value


SOUND = [["sound", number] for number in range(100)]
# An object whose type is gone.
no_type = [object() for _ in range(10)]
poke(id(no_type[5]) + POINTER, NOWHERE)
# Objects of all the layouts that say where they stand, without a type.
untyped = {
    "null_instance": [Victim() for _ in range(10)],
    "null_list": [[number, "list"] for number in range(10)],
    "null_tuple": [(number, "tuple") for number in range(10)],
    "null_dict": [{"number": number} for number in range(10)],
    "null_str": ["str %d" % number for number in range(10)],
    "null_bytes": [b"bytes %d" % number for number in range(10)],
    "null_int": [10**20 + number for number in range(10)],
    "null_set": [{number} for number in range(10)],
}
for victims in untyped.values():
    poke(id(victims[5]) + POINTER, 0)
# Enough of them to fill whole pages of the allocator.
crowd = [object() for _ in range(2000)]
for victim in crowd:
    poke(id(victim) + POINTER, 0)
del victim
# Objects that claim to be larger than everything there is: where the claim stands, and what it is.
oversized = {
    "large_tuple": ([(number, "tuple") for number in range(10)], 2, 1 << 60),
    "longer_tuple": ([(number, "longer") for number in range(10)], 2, 1 << 30),
    "large_bytes": ([b"large %d" % number for number in range(10)], 2, 1 << 60),
    "large_str": (["large %d" % number for number in range(10)], 2, 1 << 46),
    "large_list": ([[number, "large"] for number in range(10)], 4, 1 << 50),
    "large_bytearray": ([bytearray(b"large") for number in range(10)], 3, 1 << 38),
    "large_set": ([{number, "large"} for number in range(10)], 4, (1 << 38) - 1),
}
for victims, word, claim in oversized.values():
    poke(id(victims[5]) + word * POINTER, claim)
# A set of few has its table in itself, whatever its size.
poke(id(oversized["large_set"][0][5]) + 5 * POINTER, id(SOUND))
# A tuple with an item that is no object.
bad_item = [(number, "tuple %d" % number) for number in range(10)]
poke(id(bad_item[5]) + tuple.__basicsize__, 0xDEAD0000)
# A list whose items are not mapped.
bad_items = [[number, "list %d" % number] for number in range(10)]
poke(id(bad_items[5]) + 3 * POINTER, 0xDEAD0000)
# A dict whose keys are not mapped.
bad_keys = [{"number": number, number: "any"} for number in range(10)]
poke(id(bad_keys[5]) + 4 * POINTER, 0xDEAD0000)

handshake.serve(
    sound=id(SOUND),
    crowd=id(crowd),
    lists={
        "no_type": id(no_type),
        "bad_item": id(bad_item),
        "bad_items": id(bad_items),
        "bad_keys": id(bad_keys),
        **{name: id(victims) for name, victims in untyped.items()},
        **{name: id(victims) for name, (victims, _, _) in oversized.items()},
    },
)
os._exit(0)
