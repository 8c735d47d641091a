# Questions: load, text -> spelling, what Flask writes for it; or ?, the exception.
#            random, seed -> spelling of what Flask reads back, text.

import random
import re

from flask import Flask
from flask.json.tag import TaggedJSONSerializer

serializer = TaggedJSONSerializer()
Flask("peer").app_context().push()  # keys are only sorted within an application


halves = re.compile("[\ud800-\udfff]")


def whole(s):
    """Puts U+FFFD for halves of surrogate pairs, as Go reads them."""
    return halves.sub("\ufffd", s)


def spell_tagged(v):
    """Spells datetimes as moments, and dicts sorted."""
    kind = type(v)
    if kind is str:
        return spell(whole(v))
    if kind is Markup:
        return spell(Markup(whole(str.__str__(v))))
    if kind is dt.datetime:
        return moment(v)
    if kind is list or kind is tuple:
        return b"%s%d[" % (b"l" if kind is list else b"t", len(v)) + b"".join([spell_tagged(x) for x in v])
    if kind is dict:
        v = {whole(k): x for k, x in v.items()}
        return b"d%d{" % len(v) + b"".join(sorted([spell(k) + spell_tagged(x) for k, x in v.items()]))
    return spell(v)


class Maker:
    """Makes random values."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def text(self):
        if self.r.random() < .1:
            return self.r.choice([" t", " b", " m", " u", " d", " di", " t__", "_", ""])
        # Two halves side by side would be read as one character.
        return text(self.r).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")

    def number(self):
        return real(self.r) if self.r.random() < .4 else number(self.r)

    def leaf(self):
        r = self.r
        k = r.randint(0, 9)
        if k == 0:
            return r.choice([None, True, False])
        if k <= 2:
            return self.number()
        if k <= 5:
            return self.text()
        if k == 6:
            return r.randbytes(r.choice([0, 1, 2, 3, 60]))
        if k == 7:
            zone = r.choice([None, dt.timezone.utc, dt.timezone(dt.timedelta(minutes=r.randint(-900, 900)))])
            return dt.datetime(r.randint(101, 9998), r.randint(1, 12), r.randint(1, 28), r.randint(0, 23),
                               r.randint(0, 59), r.randint(0, 59), r.choice([0, r.randint(0, 999999)]), zone)
        if k == 8:
            return uuid.UUID(int=r.getrandbits(r.choice([8, 128])))
        return Markup(self.text())

    def value(self, depth):
        r = self.r
        if depth <= 0 or r.random() < .4:
            return self.leaf()
        k = r.randint(0, 9)
        n = r.choice([0, 1, 1, 1, 2, 3])
        if k <= 2:
            return [self.value(depth - 1) for _ in range(n)]
        if k <= 4:
            return tuple(self.value(depth - 1) for _ in range(n))
        if k == 5:
            return {self.number(): self.value(depth - 1) for _ in range(n)}
        return {self.text(): self.value(depth - 1) for _ in range(n)}

    def record(self):
        n = self.r.choice([0, 1, 1, 2, 5])
        return {self.text(): self.value(4) for _ in range(n)}


def answer(op, data):
    if op == b"load":
        try:
            v = serializer.loads(data.decode("utf-8"))
        except Exception as e:
            return b"?", ("%s: %s" % (type(e).__name__, e)).encode("utf-8", "replace")
        return spell_tagged(v), serializer.dumps(v).encode()
    data = serializer.dumps(Maker(int(data)).record())
    v = serializer.loads(data)
    return spell_tagged(v), data.encode(), serializer.dumps(v).encode()
