# Questions: load, protocol, pickle -> spelling, the value pickled again.
#            random, protocol, seed -> spelling, pickle.
# Only ever given pickles that the Go package wrote from plain values.

import pickle
import random


class Maker:
    """Makes random values, some of which share parts."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.made = []

    def zone(self):
        r = self.r
        if r.random() < .4:
            return None
        if r.random() < .4:
            return dt.timezone.utc
        delta = dt.timedelta(seconds=r.randint(-86399, 86399), microseconds=r.choice([0, 0, 5]))
        return dt.timezone(delta, text(r)) if r.random() < .3 else dt.timezone(delta)

    def leaf(self):
        r = self.r
        k = r.randint(0, 17)
        if k == 0:
            return r.choice([None, True, False])
        if k <= 3:
            return number(r)
        if k == 4:
            return real(r)
        if k <= 8:
            return text(r)
        if k == 9:
            return r.randbytes(r.choice([0, 1, 4, 300]))
        if k == 10:
            return bytearray(r.randbytes(r.choice([0, 1, 40])))
        if k == 11:
            return dt.datetime(r.randint(1, 9999), r.randint(1, 12), r.randint(1, 28), r.randint(0, 23),
                               r.randint(0, 59), r.randint(0, 59), r.choice([0, r.randint(0, 999999)]),
                               self.zone(), fold=r.randint(0, 1))
        if k == 12:
            return dt.time(r.randint(0, 23), r.randint(0, 59), r.randint(0, 59), r.randint(0, 999999),
                           self.zone(), fold=r.randint(0, 1))
        if k == 13:
            return r.choice([dt.date.fromordinal(r.randint(1, 3652059)),
                             dt.timedelta(r.randint(-999999999, 999999998), r.randint(0, 86399), r.randint(0, 999999))])
        if k == 14:
            return decimal.Decimal(r.choice(["NaN", "-Infinity", "0E-7", str(r.random()), "1E+%d" % r.randint(0, 10**6),
                                             "-" + str(r.getrandbits(100))]))
        if k == 15:
            return uuid.UUID(int=r.getrandbits(r.choice([8, 128])))
        if k == 16:
            return Markup(text(r))
        return complex(r.random(), r.choice([0.0, -0.0, r.random()]))

    def key(self, depth=2):
        r = self.r
        while True:
            if depth > 0 and r.random() < .2:
                items = [self.key(depth - 1) for _ in range(r.randint(0, 3))]
                return tuple(items) if r.random() < .7 else frozenset(items)
            v = text(r) if r.random() < .5 else self.leaf()
            # A bytearray is no key; what is not equal to itself cannot be told
            # apart after a round trip.
            if not isinstance(v, bytearray) and v == v:
                return v

    def value(self, depth):
        r = self.r
        if self.made and r.random() < .15:
            return r.choice(self.made)
        v = self.fresh(depth)
        self.made.append(v)
        return v

    def fresh(self, depth):
        r = self.r
        if depth <= 0 or r.random() < .4:
            return self.leaf()
        n = r.choice([0, 1, 1, 2, 3, 4, 9])
        if r.random() < .0005:
            n = r.choice([999, 1000, 1001, 2000])
            depth = 0
        k = r.randint(0, 9)
        if k <= 2:
            return [self.value(depth - 1) for _ in range(n)]
        if k <= 4:
            return tuple(self.value(depth - 1) for _ in range(n))
        if k <= 7:
            return {self.key(): self.value(depth - 1) for _ in range(n)}
        return (set if k == 8 else frozenset)(self.key() for _ in range(n))


def answer(op, protocol, data):
    if op == b"load":
        v = pickle.loads(data)
        return spell(v), pickle.dumps(v, int(protocol))
    v = Maker(int(data)).value(3)
    data = pickle.dumps(v, int(protocol))
    if int(protocol) < 4:  # they lose folds, and perhaps the identity of keys
        v = pickle.loads(data)
    return spell(v), data
