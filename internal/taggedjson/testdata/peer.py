"""Flask's side of the differential tests.

Says that it is ready, then reads requests from stdin and answers on stdout, one JSON object a line:

  {"op": "load", "text": base64}
      -> {"value": tagged, "again": base64 of what Flask writes for it}
      or {"refused": the exception}
  {"op": "random", "seed": n}
      -> {"value": tagged, as Flask reads it back, "text": base64}

Tagged values are those of the vectors, with every str in the form that can
hold surrogates, and datetimes as seconds since 1970.
"""

import base64
import datetime as dt
import json
import random
import struct
import sys
import uuid

from flask import Flask
from flask.json.tag import TaggedJSONSerializer
from markupsafe import Markup

serializer = TaggedJSONSerializer()
Flask("peer").app_context().push()  # keys are only sorted within an application


def tag(v):
    kind = type(v)
    if v is None:
        return {"t": "none"}
    if kind is bool:
        return {"t": "bool", "v": v}
    if kind is int:
        return {"t": "int", "v": str(v)}
    if kind is float:
        return {"t": "float", "bits": struct.pack(">d", v).hex()}
    if kind in (str, Markup):
        text = str(v).encode("utf-8", "surrogatepass").hex()
        return {"t": kind.__name__.lower(), "surrogates": True, "utf8": text}
    if kind is bytes:
        return {"t": "bytes", "v": v.hex()}
    if kind in (list, tuple):
        return {"t": kind.__name__, "v": [tag(x) for x in v]}
    if kind is dict:
        return {"t": "dict", "v": [[tag(k), tag(x)] for k, x in v.items()]}
    if kind is dt.datetime:
        since = v - dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
        return {"t": "seconds", "v": str(since // dt.timedelta(seconds=1))}
    if kind is uuid.UUID:
        return {"t": "uuid", "v": str(v)}
    raise TypeError(kind)


class Maker:
    """Makes random values."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def text(self):
        r = self.r
        if r.random() < .1:
            return r.choice([" t", " b", " m", " u", " d", " di", " t__", "_", ""])
        top = r.choice([0x7f, 0x7f, 0xff, 0xffff, 0x10ffff])
        n = r.choice([0, 1, 1, 5, 5, 20])
        text = "".join(chr(r.randint(0, top)) for _ in range(n))
        # Two halves side by side would be read as one character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")

    def number(self):
        r = self.r
        k = r.randint(0, 5)
        if k <= 1:
            return r.randint(-300, 70000)
        if k == 2:
            return r.choice([-1, 1]) * r.getrandbits(r.choice([8, 31, 53, 63, 64, 65, 300, 3000]))
        if k == 3:
            return r.choice([0.0, -0.0, 1e16, 1e15, 1e-4, 1e-5, 9999999999999998.0, 5e-324, 1e22,
                             float("inf"), float("-inf"), float("nan"), float(r.randint(-10**17, 10**17))])
        if k == 4:
            return r.choice([r.random(), r.uniform(-1e20, 1e20), r.random() * 10 ** r.randint(-12, 22)])
        return struct.unpack(">d", r.randbytes(8))[0]

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


def answer(q):
    if q["op"] == "load":
        try:
            v = serializer.loads(base64.b64decode(q["text"]).decode("utf-8"))
        except Exception as e:
            return {"refused": "%s: %s" % (type(e).__name__, e)}
        return {"value": tag(v), "again": b64(serializer.dumps(v))}
    text = serializer.dumps(Maker(q["seed"]).record())
    return {"value": tag(serializer.loads(text)), "text": b64(text)}


def b64(text):
    return base64.b64encode(text.encode()).decode()


print("ready", flush=True)
for line in sys.stdin:
    try:
        out = answer(json.loads(line))
    except Exception as e:
        out = {"error": "%s: %s" % (type(e).__name__, e)}
    print(json.dumps(out), flush=True)
