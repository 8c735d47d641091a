# Questions: FORMAT, load, record -> spelling, what Python writes for it.
#            FORMAT, random, seed -> spelling, record.
# Dicts are spelled sorted, and datetimes as moments. The format is msgpack or
# json: Python's libraries for them, since Debian has no msgspec.

import json
import random

import msgpack


def spell_record(v):
    kind = type(v)
    if kind is dt.datetime:
        return moment(v)
    if kind is list:
        return b"l%d[" % len(v) + b"".join([spell_record(x) for x in v])
    if kind is dict:
        return b"d%d{" % len(v) + b"".join(sorted([spell_record(k) + spell_record(x) for k, x in v.items()]))
    return spell(v)


class Maker:
    """Makes random records."""

    def __init__(self, seed, binary):
        self.r = random.Random(seed)
        self.binary = binary

    def text(self):
        return text(self.r).encode("utf-8", "replace").decode("utf-8")  # no surrogates

    def number(self):
        n = number(self.r)
        return n if not self.binary or -2**63 <= n < 2**64 else n % 2**64

    def real(self):
        f = real(self.r)
        return f if self.binary or f - f == 0 else 0.5  # JSON has no infinities

    def leaf(self):
        r = self.r
        k = r.randint(0, 9)
        if k == 0:
            return r.choice([None, True, False])
        if k <= 3:
            return self.number()
        if k == 4:
            return self.real()
        if self.binary and k == 5:
            return r.randbytes(r.choice([0, 1, 4, 255, 256]))
        if self.binary and k == 6:
            since = dt.timedelta(days=r.randint(0, 3652058), seconds=r.randint(0, 86399), microseconds=r.choice([0, r.randint(0, 999999)]))
            return dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc) + since
        return self.text()

    def value(self, depth):
        r = self.r
        if depth <= 0 or r.random() < .4:
            return self.leaf()
        n = r.choice([15, 16, 17] if r.random() < .03 else [0, 1, 1, 2, 3])
        if r.random() < .5:
            return [self.value(depth - 1) for _ in range(n)]
        if self.binary and r.random() < .3:
            return {self.number(): self.value(depth - 1) for _ in range(n)}
        return {self.text(): self.value(depth - 1) for _ in range(n)}

    def record(self):
        return {self.text(): self.value(3) for _ in range(self.r.choice([0, 1, 2, 5]))}


def loads(name, data):
    if name == b"msgpack":
        return msgpack.unpackb(data, raw=False, timestamp=3, strict_map_key=False)
    return json.loads(data)


def dumps(name, v):
    if name == b"msgpack":
        return msgpack.packb(v, use_bin_type=True, datetime=True)
    return json.dumps(v, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def answer(name, op, data):
    if op == b"load":
        v = loads(name, data)
    else:
        v = Maker(int(data), name == b"msgpack").record()
        data = dumps(name, v)
    return spell_record(v), dumps(name, v) if op == b"load" else data
