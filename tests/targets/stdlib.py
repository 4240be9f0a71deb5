"""A process of the standard library alone."""

import ast  # noqa: F401
import asyncio  # noqa: F401
import collections
import concurrent.futures  # noqa: F401
import decimal  # noqa: F401
import email.message  # noqa: F401
import http.client  # noqa: F401
import json
import logging.config  # noqa: F401
import sqlite3
import unittest  # noqa: F401
import xml.dom.minidom

import handshake

ROWS = [collections.OrderedDict(json.loads('{"a": [1, 2.5, "text"], "b": null}')) for _ in range(1000)]
TREE = xml.dom.minidom.parseString("<a>" + "<b c='d'>e</b>" * 1000 + "</a>")
CONNECTION = sqlite3.connect(":memory:")
handshake.serve()
