"""Listens on a socket of the name given, and closes the connection when told to. Its heap takes a walker a while."""

import socket

import handshake

HEAP = [{"number": n, "text": "text %d" % n, "pair": (n, [n])} for n in range(int(handshake.argument(2)))]
listener = socket.socket(socket.AF_UNIX)
listener.bind(handshake.argument())
listener.listen()
connections = []


def accept():
    connections.append(listener.accept()[0])


def close():
    connections.pop().close()


handshake.serve({"accept": accept, "close": close})
