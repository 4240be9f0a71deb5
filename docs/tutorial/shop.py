"""A web shop in miniature, which needs more memory with every request. Type a number: so many requests are served."""

import os
import sys


class Session:
    def __init__(self, number):
        self.user = "user %d" % number
        self.basket = ["article %d" % (number % 50)]


class Shop:
    def __init__(self):
        self.articles = {"article %d" % number: number * 0.99 for number in range(50)}
        self.pages = {}

    def page(self, path, session):
        # A page is made once for each path; but links carry the session's number, so that no path comes twice.
        if path not in self.pages:
            self.pages[path] = (session, self.render(session))
        return self.pages[path][1]

    def render(self, session):
        prices = ["%s: %.2f" % (name, self.articles[name]) for name in session.basket]
        return "<h1>%s</h1><p>%s</p>" % (session.user, "".join(prices)) + "<hr>" * 200


def main():
    shop = Shop()
    served = 0
    print("The shop is process %d." % os.getpid(), flush=True)
    for line in sys.stdin:
        for served in range(served + 1, served + 1 + int(line)):
            shop.page("/basket?session=%d" % served, Session(served))
        print("%d requests served" % served, flush=True)


main()
