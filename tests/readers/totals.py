"""Reads a dump with a CBOR library that knows nothing of pyheap, and prints totals as JSON. `python totals.py FILE`"""

import array
import io
import json
import sys
import zlib

import cbor2

TYPECODES = {64: "B", 69: "H", 70: "I", 71: "Q"}


def column(item):
    """`[padding, typed array]`"""
    padding, data = item
    values = array.array(TYPECODES[data.tag])
    assert values.itemsize == {64: 1, 69: 2, 70: 4, 71: 8}[data.tag]
    values.frombytes(data.value)
    assert not padding.strip(b"\0")
    return values


def compact(item):
    small, escape_at, escape_values = (column(part) for part in item)
    values = list(small)
    for place, value in zip(escape_at, escape_values):
        assert values[place] == 0xFFFF
        values[place] = value
    return values


def main():
    data = open(sys.argv[1], "rb").read()
    stream = io.BytesIO(data)
    totals = {"objects": 0, "edges": 0, "types": 0, "threads": 0, "shallow_size": 0, "allocated_size": 0, "unreadable": 0, "opaque": 0, "estimated": 0, "records": 0}
    counted_edges = 0
    previews = 0
    while stream.tell() < len(data):
        assert stream.tell() % 8 == 0
        kind, checksum, body, padding = cbor2.load(stream)
        assert zlib.crc32(body) == checksum
        body = cbor2.loads(body)
        totals["records"] += 1
        if kind == 0:
            totals["python"] = body["python"]["version"]
            totals["pid"] = body["pid"]
            totals["format_version"] = body["version"]
        elif kind == 2:
            totals["types"] += len(body[1])
        elif kind == 3:
            first, count, first_edge, low, high, flags, types, shallow, allocated, refcount, length, edge_count = body[:12]
            assert first == totals["objects"] and first_edge == counted_edges
            low, high, flags = column(low), column(high), column(flags)
            assert len(low) == len(high) == len(flags) == count
            totals["objects"] += count
            totals["shallow_size"] += sum(compact(shallow))
            totals["allocated_size"] += sum(size for size, flag in zip(compact(allocated), flags) if not flag & 0x20)
            totals["unreadable"] += sum(flag >> 1 & 1 for flag in flags)
            totals["opaque"] += sum(flag >> 2 & 1 for flag in flags)
            totals["estimated"] += sum(flag >> 3 & 1 for flag in flags)
            counted_edges += sum(compact(edge_count))
        elif kind == 4:
            first, count, targets, names = body[:4]
            assert first == totals["edges"]
            assert len(column(targets)) == len(column(names)) == count
            totals["edges"] += count
        elif kind == 5:
            previews += body[0]
        elif kind == 6:
            totals["threads"] += 1
        elif kind == 9:
            assert body["records"] == totals["records"] - 1
    assert totals["edges"] == counted_edges
    totals["previews"] = previews
    print(json.dumps(totals))


main()
