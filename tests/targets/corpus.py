"""One of everything: what the oracle compares object by object.

`build` returns a dict that holds it all; nothing else is left behind but modules.
"""

import array
import asyncio
import collections
import contextvars
import datetime
import decimal
import enum
import functools
import itertools
import operator
import re
import sys
import threading
import types
import uuid
import weakref

STDLIB = (
    "argparse ast bisect calendar cmath concurrent.futures configparser contextlib copy csv ctypes dataclasses difflib email.message "
    "fractions getpass hashlib heapq html http.client inspect io ipaddress json locale logging logging.config mimetypes numbers "
    "pathlib pickle platform pprint queue random secrets selectors shlex shutil signal socket sqlite3 ssl statistics string struct "
    "subprocess tarfile tempfile textwrap timeit tokenize traceback typing unittest urllib.request xml.etree.ElementTree zipfile zlib"
).split()


class Plain:
    def __init__(self, number):
        self.number = number
        self.text = "plain %d" % number
        self.items = [(number, str(number)), (number + 0.5,)]
        self.table = {"number": number, "next": None}


class Slotted:
    __slots__ = ("left", "right", "never_set")

    def __init__(self, left, right):
        self.left = left
        self.right = right


class SlottedChild(Slotted):
    __slots__ = ("extra",)


class SlottedWithDict(Slotted):
    pass


class SlottedWithWeak:
    __slots__ = ("value", "__weakref__")


class Empty:
    pass


class WithProperty:
    @property
    def answer(self):
        return 42

    @classmethod
    def make(cls):
        return cls()

    @staticmethod
    def still():
        return None

    def method(self, argument=(1, 2), *, keyword="default"):
        return argument, keyword


class Meta(type):
    def __new__(mcs, name, bases, namespace):
        made = super().__new__(mcs, name, bases, namespace)
        made.registered = {"name": name}
        return made


class WithMeta(metaclass=Meta):
    pass


class Color(enum.Enum):
    RED = 1
    GREEN = "green"


class Flags(enum.IntFlag):
    ONE = 1
    TWO = 2


Point = collections.namedtuple("Point", "x y")


def subclass_of(base, name):
    return type(name, (base,), {})


def slotted_subclass_of(base, name):
    return type(name, (base,), {"__slots__": ()})


def subclassed():
    values = {
        int: (10**40,), float: (1.5,), complex: (1 + 2j,), str: ("text of a subclass",), bytes: (b"bytes of a subclass",),
        bytearray: (b"bytearray",), list: ([1, 2, 3],), tuple: ((1, "two", 3.0),), dict: ({"a": 1, 2: "b"},), set: ({1, "two"},),
        frozenset: ({1, "two"},), object: (), BaseException: ("argument",), OSError: (2, "none"), KeyError: ("key",),
        collections.OrderedDict: ([("a", 1), ("b", [2])],), collections.deque: ([1, 2, 3],), collections.defaultdict: (list, {"a": [1]}),
        collections.Counter: ("aab",), array.array: ("d", [1.0, 2.0]), decimal.Decimal: ("1.5",), datetime.datetime: (2020, 1, 2),
        datetime.date: (2020, 1, 2), datetime.timedelta: (1,), types.ModuleType: ("module_of_subclass",), property: (len,),
        staticmethod: (len,), classmethod: (len,), enumerate: ([1, 2],), zip: ([1], [2]), map: (len, [[1]]), filter: (None, [1]),
        reversed: ((1, 2),),
    }
    made = []
    for base, arguments in values.items():
        for make in (subclass_of, slotted_subclass_of):
            try:
                made.append(make(base, base.__name__.title() + make.__name__[0].upper())(*arguments))
            except (TypeError, AttributeError):
                continue
            if make is subclass_of and type(made[-1]).__mro__[1] is base:
                made[-1].attribute = ["set on", base.__name__]
    return made


def closures():
    counter = 0
    shared = ["shared between two"]

    def add():
        nonlocal counter
        counter += 1
        return shared

    def look():
        return counter, shared

    def unset():
        return later

    functions = [add, look, unset]
    if counter:
        later = 1
    return functions


def generators():
    def numbers(limit, label="a generator"):
        held = [label, limit]
        for number in range(limit):
            yield number, held

    def nested(inner):
        kept = {"inner": True}
        yield from inner
        return kept

    async def coroutine(value):
        waiting = ("waits for", value)
        await suspended()
        return waiting

    @types.coroutine
    def suspended():
        yield "suspended"

    async def stream():
        item = ["of an async generator"]
        yield item

    fresh = numbers(3)
    running = numbers(5, "in the middle")
    next(running)
    finished = list(numbers(2)), numbers(0)
    list(finished[1])
    delegating = nested(numbers(4, "inner"))
    next(delegating)
    waiting = coroutine("the end")
    waiting.send(None)
    agen = stream()
    step = agen.__anext__()
    try:
        step.send(None)
    except StopIteration:
        pass
    return [fresh, running, finished, delegating, waiting, agen, (n for n in [1, 2, 3])]


def texts():
    return [
        "", "a", "latin \xe9", "\xff" * 300, "two bytes \u20ac", "\u0416" * 500, "four bytes \U0001f40d", "\U0001f40d" * 200,
        "lone \ud800 surrogate", "x" * 100000, "ascii " + "y" * 50, "nul \0 inside", sys.intern("interned text of the corpus"),
    ]


def with_utf8_cache():
    """A non-ASCII str whose UTF-8 form CPython caches beside it."""
    text = "caf\xe9 \u20ac with a cached form"
    try:
        eval(text)
    except SyntaxError:
        pass
    return text


def dicts():
    shared = [Plain(n) for n in range(50)]
    materialised = [Plain(n) for n in range(20)]
    views = [one.__dict__ for one in materialised]
    odd = Plain(7)
    odd.later = "attribute out of order"
    del odd.text
    many = Plain(8)
    for n in range(100):
        setattr(many, "attribute_%d" % n, n)
    dynamic = Plain(9)
    dynamic.__dict__[1] = "key that is no str"
    shrunk = {n: n for n in range(1000)}
    for n in range(990):
        del shrunk[n]
    mixed = {1: "int", "s": "str", (1, 2): "tuple", None: None, 1.5: "float", b"b": "bytes", frozenset((1,)): "frozenset"}
    by_str = {"key %d" % n: "value %d" % n for n in range(3000)}
    return [shared, materialised, views, odd, many, dynamic, shrunk, mixed, by_str, {}, dict.fromkeys("abc"), types.MappingProxyType({"a": 1})]


def sequences():
    grown = []
    for n in range(1000):
        grown.append(n * 1000)
    shrunk = list(range(5000, 6000))
    del shrunk[5:]
    reserved = [None] * 100
    reserved.clear()
    return [
        grown, shrunk, reserved, [], (), (1,), tuple(range(2000, 2300)), [[]] * 10, list(range(3000)), collections.deque(range(1000), maxlen=500),
        collections.deque(), collections.deque("spam" * 100), array.array("q", range(1000)), array.array("b"), bytearray(b"x" * 1000), bytearray(),
        memoryview(bytearray(b"viewed")), range(5), range(10**20, 10**20 + 5), slice(1, [2], "three"), bytes(1000), b"", b"b",
    ]


def numbers():
    return [
        0, 1, -1, 255, 257, 10**9, 2**30, -(2**30), 2**60, -(2**60) + 1, 10**100, -(10**100), 0.0, -1.5, float("nan"), float("inf"), 1j, True, False,
        decimal.Decimal("1.1"), decimal.Decimal(10) ** 200, NotImplemented, Ellipsis, None,
    ]


def sets():
    emptied = set(range(1000))
    for n in range(998):
        emptied.discard(n)
    return [set(), {1}, set("abcdefgh"), set(range(10000, 10500)), frozenset(), frozenset("xyz"), frozenset(range(300, 400)), emptied]


def times():
    zone = datetime.timezone(datetime.timedelta(hours=5, seconds=7), "five")
    class Zone(datetime.tzinfo):
        def utcoffset(self, when):
            return datetime.timedelta(hours=1)
        def dst(self, when):
            return None
        def tzname(self, when):
            return "zone"
    own = Zone()
    own.attribute = "of the zone"
    return [
        datetime.datetime(2020, 1, 2, tzinfo=zone), datetime.time(1, 2, tzinfo=zone), datetime.datetime(2021, 5, 6, tzinfo=own),
        datetime.time(3, 4, tzinfo=own), datetime.datetime(1999, 1, 1), datetime.time(5), datetime.date(2000, 2, 3), datetime.timedelta(3, 4), zone,
    ]


def callables():
    one = WithProperty()
    cached = functools.lru_cache(maxsize=10)(lambda n: [n])
    for n in range(15):
        cached(n)
    unbounded = functools.lru_cache(maxsize=None)(lambda a, b=2: (a, b))
    unbounded(1), unbounded(1, b=3)
    return [
        one, one.method, WithProperty.make, WithProperty.still, one.method.__func__, len, [].append, "".join, dict.fromkeys, str.upper, object.__init__,
        one.__str__, functools.partial(print, "a", sep="b"), cached, unbounded, operator.itemgetter(1, "a"), operator.attrgetter("a.b"),
        operator.methodcaller("m", 1, k=2), functools.cmp_to_key(lambda a, b: 0), lambda x=[1]: x, functools.singledispatch(lambda x: x),
        types.SimpleNamespace(a=1, b=[2]), property(len), classmethod(len), staticmethod(len), super(WithProperty, one),
    ]


def iterators():
    started = iter([1, 2, 3])
    next(started)
    tee = itertools.tee(iter(range(100)))
    for _ in range(70):
        next(tee[0])
    held = [
        started, iter((1,)), iter({"a": 1}), iter({"a": 1}.items()), {"a": 1}.keys(), {"a": 1}.items(), {"a": 1}.values(), iter({1, 2}), iter("text"), iter(b"bytes"),
        iter(range(3)), iter(range(10**30, 10**30 + 3)), reversed([1]), enumerate(["e"], 10**20), zip([1], "z"), map(str, [1]), filter(None, [1]), itertools.chain([1], [2]),
        itertools.count(10**30, 2), itertools.cycle([1, 2]), itertools.groupby([1, 1, 2]), itertools.islice([1, 2], 1), itertools.product([1], [2]),
        itertools.permutations([1, 2]), itertools.combinations([1, 2], 1), itertools.accumulate([1, 2]), itertools.repeat("r", 3), itertools.starmap(pow, [(1, 2)]),
        itertools.zip_longest([1], [2, 3]), iter(lambda: 1, 2), tee, re.finditer("a", "aaa"), iter(collections.OrderedDict(a=1)), iter(collections.deque([1])),
    ]
    return held


def weak():
    target = Empty()
    noted = []
    other = Empty()
    return [
        target, weakref.ref(target), weakref.ref(target, noted.append), weakref.proxy(target), other, weakref.WeakValueDictionary({"a": target}),
        weakref.WeakKeyDictionary({other: "b"}), weakref.WeakSet([target, other]), weakref.finalize(other, len, "x"), noted,
    ]


def errors():
    held = []
    for make in (lambda: 1 / 0, lambda: {}["missing key"], lambda: open("/nonexistent/file"), lambda: int("no number"), lambda: b"\xff".decode("utf-8"), lambda: Empty().missing):
        try:
            make()
        except Exception as error:
            held.append(error)
    try:
        try:
            raise ValueError("inner", [1])
        except ValueError as inner:
            raise RuntimeError("outer") from inner
    except RuntimeError as outer:
        held.append(outer)
    return held


def cycles():
    ring = [Empty() for _ in range(100)]
    for left, right in zip(ring, ring[1:] + ring[:1]):
        left.next, right.previous = right, left
    own = []
    own.append(own)
    mutual = {}
    mutual["self"] = mutual
    return [ring[0], own, mutual]


def deep():
    chain = None
    for n in range(20000):
        chain = (n, chain)
    nested = []
    for _ in range(20000):
        nested = [nested]
    return [chain, nested]


def miscellaneous():
    lock = threading.Lock()
    context = contextvars.ContextVar("variable", default=["default"])
    context.set({"set": 1})
    namespace = types.ModuleType("made_by_hand", "doc")
    namespace.value = [1]
    return [
        lock, threading.RLock(), threading.Event(), threading.local(), context, contextvars.copy_context(), namespace, re.compile("(?P<name>a+)|b"),
        re.match("(a)(b)", "ab"), Color.RED, Flags.ONE | Flags.TWO, Point(1, [2]), uuid.UUID(int=5), WithMeta(), sys.version_info, sys.flags, collections.OrderedDict(a=1, b=[2]),
        collections.defaultdict(list, a=[1]), collections.Counter("abca"), collections.ChainMap({"a": 1}, {"b": 2}), __import__("struct").Struct("<qd"),
        __import__("hashlib").sha256(b"x"), __import__("random").Random(1), __import__("json").JSONEncoder(), __import__("pathlib").PurePosixPath("/a/b"),
        __import__("fractions").Fraction(1, 3), __import__("io").StringIO("text"), __import__("io").BytesIO(b"bytes" * 100), __import__("queue").Queue(),
        __import__("ipaddress").ip_network("10.0.0.0/8"), __import__("string").Template("$a"), __import__("xml.etree.ElementTree").etree.ElementTree.fromstring("<a b='c'><d>e</d></a>"),
        compile("def f(a, b=1, *c, d, **e):\n  x = a\n  def g(): return x\n  return g\n", "compiled.py", "exec"), asyncio.new_event_loop(),
    ]


def arrays():
    """numpy's arrays and views, where the command line asks for them."""
    if "numpy" not in sys.argv:
        return None
    import numpy
    owner = numpy.arange(10000, dtype="float64")
    objects = numpy.array(["object %d" % n for n in range(500)] + [None, [1]], dtype=object)
    return {
        "owner": owner, "view": owner[10:20], "view_of_view": owner[10:20][::2], "reshaped": owner.reshape(100, 100), "objects": objects, "objects_view": objects[::5],
        "strings": numpy.array(["a", "bcd"]), "record": numpy.zeros(5, dtype=[("a", "i4"), ("b", "f8")]), "scalar": numpy.float64(1.5), "empty": numpy.array([]),
        "zero_dimensional": numpy.array(5), "of_buffer": numpy.frombuffer(b"12345678", dtype="u1"), "bools": numpy.ones(10, dtype=bool),
    }


def build():
    for name in STDLIB:
        try:
            __import__(name)
        except ImportError:
            pass
    slotted = [Slotted(n, [n]) for n in range(10)] + [SlottedChild("l", "r"), SlottedWithDict(1, 2), SlottedWithWeak(), Slotted.left]
    slotted[-4].extra = "slot of the child"
    slotted[-3].attribute = "in the dict"
    return {
        "plain": [Plain(n) for n in range(1000)], "slotted": slotted, "subclassed": subclassed(), "closures": closures(), "generators": generators(), "texts": texts(),
        "utf8": with_utf8_cache(), "dicts": dicts(), "sequences": sequences(), "numbers": numbers(), "sets": sets(), "times": times(), "callables": callables(),
        "iterators": iterators(), "weak": weak(), "errors": errors(), "cycles": cycles(), "deep": deep(), "miscellaneous": miscellaneous(), "arrays": arrays(),
    }
