"""A process worth a look: a small shop with a cache that only grows. Ends when its standard input does."""

import sys


class Customer:
    def __init__(self, number):
        self.name = "customer %d" % number
        self.orders = []


class Order:
    __slots__ = ("number", "customer", "lines")

    def __init__(self, number, customer):
        self.number = number
        self.customer = customer
        self.lines = [("article %d" % (number * 7 % 500), number % 9 + 1, 0.99 * number)]
        customer.orders.append(self)


CUSTOMERS = [Customer(number) for number in range(2000)]
ORDERS = {number: Order(number, CUSTOMERS[number % 2000]) for number in range(20000)}
RENDERED = {"/order/%d?render=full" % number: "<p>order %d</p>" % number * 5 for number in ORDERS}

print("ready", flush=True)
sys.stdin.read()
