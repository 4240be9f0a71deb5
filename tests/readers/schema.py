"""Validates a dump against its CDDL, with none of the project's code. `python schema.py FILE CDDL`

Prints the number of records of each kind as JSON; fails with a traceback that names the record otherwise.
"""

import collections
import io
import json
import sys
import zlib

import cbor2
import pycddl

BODIES = [
    "header", "names", "types", "objects", "edges", "previews", "thread", "roots", "summary", "footer", "digests",
]


def columns(item):
    """All typed arrays within an item."""
    if isinstance(item, cbor2.CBORTag):
        yield item
    elif isinstance(item, (list, tuple)):
        for part in item:
            yield from columns(part)


def check_alignment(body, start):
    """`start` is the place of the body in the file."""
    for column in columns(cbor2.loads(body)):
        encoded = bytes([0xD8, column.tag, 0x5A]) + len(column.value).to_bytes(4, "big") + column.value
        place = body.find(encoded)
        assert place >= 0, "the head of a column has another width"
        assert (start + place + 7) % 8 == 0, "a column is not aligned"


def main():
    dump, cddl = sys.argv[1:]
    with open(cddl, encoding="utf-8") as file:
        schema = file.read()
    # The validator takes the first rule, and does not look into byte strings within arrays: one schema for each kind of body.
    schemas = [pycddl.Schema(f"start = {name}-body\n{schema}") for name in BODIES]
    with open(dump, "rb") as file:
        data = file.read()
    stream = io.BytesIO(data)
    counts = collections.Counter()
    kind = None
    while (start := stream.tell()) < len(data):
        assert start % 8 == 0 and kind != 9
        kind, checksum, body, padding = cbor2.load(stream)
        try:
            assert (start == 0) == (kind == 0), "the header is not the first record"
            assert (data[start], data[start + 2], data[start + 7]) == (0x84, 0x1A, 0x5A), "a head has another width"
            assert zlib.crc32(body) == checksum, "checksum"
            assert len(padding) < 8 and not any(padding), "padding"
            schemas[kind].validate_cbor(body)
            check_alignment(body, start + 12)
        except Exception as error:
            raise SystemExit(f"record of kind {kind} at byte {start}: {error}") from error
        counts[BODIES[kind]] += 1
    assert kind == 9, "no footer"
    print(json.dumps(counts))


main()
