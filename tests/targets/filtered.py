"""Filters its own system calls: filtered.py errno|kill|trap CALL... answers each of these so."""

import sys

import handshake
import seccomp

HEAP = [[number, str(number)] for number in range(50000)]
install = seccomp.filtering(sys.argv[1], sys.argv[2:])
handshake.serve(seccomp=install(), heap=id(HEAP))
