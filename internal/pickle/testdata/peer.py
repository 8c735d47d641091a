"""Python's side of the differential test.

Reads requests from stdin and answers on stdout, one JSON object a line:

  {"op": "load", "data": base64, "protocol": p}
      -> {"value": tagged, "data": base64 of the value pickled again}
  {"op": "random", "seed": n}
      -> {"value": tagged, "data": [base64 in protocol 0, 1, 2, 3, 4, 5]}

Tagged values are those of the vectors, with the folds and names of zones that
the vectors leave out ("fold", "zone"). Only ever given pickles that the Go
package wrote from plain values.
"""

import base64
import datetime as dt
import decimal
import json
import pickle
import random
import struct
import sys
import uuid

from markupsafe import Markup


def tag_text(kind, v):
    return {"t": kind, "surrogates": True, "utf8": v.encode("utf-8", "surrogatepass").hex()}


def tag_time(kind, v, text):
    off = v.utcoffset()
    out = {"t": kind, "v": text, "fold": v.fold == 1,
           "offset": None if off is None else off.total_seconds()}
    if v.tzinfo is not None and len(v.tzinfo.__getinitargs__()) == 2:
        out["zone"] = v.tzinfo.__getinitargs__()[1].encode("utf-8", "surrogatepass").hex()
    return out


def tag(v):
    kind = type(v)
    if v is None:
        return {"t": "none"}
    if kind is bool:
        return {"t": "bool", "v": v}
    if kind is int:
        return {"t": "int", "v": "%d" % v}
    if kind is float:
        return {"t": "float", "bits": struct.pack(">d", v).hex()}
    if kind is complex:
        return {"t": "complex", "v": v.real.hex() + " " + v.imag.hex()}
    if kind is str:
        return tag_text("str", v)
    if kind is Markup:
        return tag_text("markup", str(v))
    if kind in (bytes, bytearray):
        return {"t": kind.__name__, "v": v.hex()}
    if kind in (list, tuple, set, frozenset):
        return {"t": kind.__name__, "v": [tag(x) for x in v]}
    if kind is dict:
        return {"t": "dict", "v": [[tag(k), tag(x)] for k, x in v.items()]}
    if kind is dt.datetime:
        return tag_time("datetime", v, v.replace(tzinfo=None).isoformat(timespec="microseconds"))
    if kind is dt.time:
        return tag_time("time", v, v.replace(tzinfo=None).isoformat(timespec="microseconds"))
    if kind is dt.date:
        return {"t": "date", "v": v.isoformat()}
    if kind is dt.timedelta:
        return {"t": "timedelta", "days": v.days, "seconds": v.seconds,
                "microseconds": v.microseconds}
    if kind is decimal.Decimal:
        return {"t": "decimal", "v": str(v)}
    if kind is uuid.UUID:
        return {"t": "uuid", "v": str(v)}
    raise TypeError(kind)


class Maker:
    """Makes random values, some of which share parts."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.made = []

    def text(self):
        r = self.r
        n = r.choice([0, 1, 1, 5, 5, 20, 300])
        top = r.choice([0x7f, 0x7f, 0xff, 0xffff, 0x10ffff])
        return "".join(chr(r.randint(0, top)) for _ in range(n))

    def zone(self):
        r = self.r
        if r.random() < .4:
            return None
        if r.random() < .4:
            return dt.timezone.utc
        delta = dt.timedelta(seconds=r.randint(-86399, 86399), microseconds=r.choice([0, 0, 5]))
        return dt.timezone(delta, self.text()) if r.random() < .3 else dt.timezone(delta)

    def leaf(self):
        r = self.r
        k = r.randint(0, 17)
        if k == 0:
            return r.choice([None, True, False])
        if k <= 2:
            return r.randint(-300, 70000)
        if k == 3:
            return r.choice([-1, 1]) * r.getrandbits(r.choice([8, 16, 31, 32, 33, 63, 64, 65, 300, 3000]))
        if k == 4:
            return r.choice([0.0, -0.0, float("inf"), float("-inf"), float("nan"), r.random(),
                             r.uniform(-1e20, 1e20), struct.unpack(">d", r.randbytes(8))[0]])
        if k <= 8:
            return self.text()
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
            return Markup(self.text())
        return complex(r.random(), r.choice([0.0, -0.0, r.random()]))

    def key(self, depth=2):
        r = self.r
        while True:
            if depth > 0 and r.random() < .2:
                items = [self.key(depth - 1) for _ in range(r.randint(0, 3))]
                return tuple(items) if r.random() < .7 else frozenset(items)
            v = self.text() if r.random() < .5 else self.leaf()
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
        if r.random() < .003:
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


def answer(q):
    if q["op"] == "load":
        v = pickle.loads(base64.b64decode(q["data"]))
        return {"value": tag(v), "data": b64(pickle.dumps(v, q["protocol"]))}
    v = Maker(q["seed"]).value(3)
    return {"value": tag(v), "data": [b64(pickle.dumps(v, p)) for p in range(6)]}


def b64(b):
    return base64.b64encode(b).decode()


for line in sys.stdin:
    try:
        out = answer(json.loads(line))
    except Exception as e:
        out = {"error": "%s: %s" % (type(e).__name__, e)}
    print(json.dumps(out), flush=True)
