"""Python's side of the differential tests; a script with a function answer is put behind it.

Reads questions from stdin and answers on stdout, a line each. The fields of a
line are base64, divided by spaces. An answer that begins with ! is a failure.
"""

import base64
import datetime as dt
import decimal
import struct
import sys
import uuid

try:
    from markupsafe import Markup
except ImportError:
    class Markup(str):
        pass

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)


def counted(kind, data):
    return b"%s%d:%s" % (kind, len(data), data)


def zone(tz):
    if tz is None:
        return b"-"
    args = tz.__getinitargs__()
    us = args[0] // dt.timedelta(microseconds=1)
    out = b"%d;" % us
    return out + (counted(b"n", args[1].encode("utf-8", "surrogatepass")) if len(args) == 2 else b"")


def clock(v):
    return b"%d,%d,%d,%d,%d" % (v.hour, v.minute, v.second, v.microsecond, v.fold) + zone(v.tzinfo)


def spell(v, in_order=True):
    """Spells v so that two values are spelled alike only if they are the same."""
    kind = type(v)
    if v is None:
        return b"N"
    if kind is bool:
        return b"T" if v else b"F"
    if kind is int:
        return b"i%x;" % v
    if kind is float:
        return b"fnan;" if v != v else b"f" + struct.pack(">d", v).hex().encode() + b";"
    if kind is complex:
        return b"c" + spell(v.real) + spell(v.imag)
    if kind is str:
        return counted(b"s", v.encode("utf-8", "surrogatepass"))
    if kind is Markup:
        return counted(b"m", str.encode(v, "utf-8", "surrogatepass"))
    if kind is bytes:
        return counted(b"b", v)
    if kind is bytearray:
        return counted(b"B", v)
    if kind is list or kind is tuple:
        return b"%s%d[" % (b"l" if kind is list else b"t", len(v)) + b"".join([spell(x, in_order) for x in v])
    if kind is set or kind is frozenset:
        return b"%s%d[" % (b"S" if kind is set else b"Z", len(v)) + b"".join(sorted([spell(x, in_order) for x in v]))
    if kind is dict:
        pairs = [spell(k, in_order) + spell(x, in_order) for k, x in v.items()]
        return b"d%d{" % len(v) + b"".join(pairs if in_order else sorted(pairs))
    if kind is dt.datetime:
        return b"D%d,%d,%d," % (v.year, v.month, v.day) + clock(v)
    if kind is dt.date:
        return b"Y%d,%d,%d;" % (v.year, v.month, v.day)
    if kind is dt.time:
        return b"C" + clock(v)
    if kind is dt.timedelta:
        return b"L%d,%d,%d;" % (v.days, v.seconds, v.microseconds)
    if kind is dt.timezone:
        return b"z" + zone(v)
    if kind is decimal.Decimal:
        return counted(b"E", str(v).encode())
    if kind is uuid.UUID:
        return b"U" + v.hex.encode()
    return spell_other(v)


def spell_other(v):
    raise TypeError(type(v))


def moment(v):
    """Spells an aware datetime for formats that do not keep its zone."""
    return b"M%d;" % ((v - dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)) // dt.timedelta(microseconds=1))


def text(r):
    """A random str of the random.Random r."""
    top = r.choice([0x7f, 0x7f, 0xff, 0xffff, 0x10ffff])
    n = r.choice([0, 1, 1, 5, 5, 20])
    if r.random() < .02:
        n = 300
    return "".join(map(chr, r.choices(range(top + 1), k=n)))


def number(r):
    """A random int."""
    if r.random() < .6:
        return r.randint(-300, 70000)
    return r.choice([-1, 1]) * r.getrandbits(r.choice([8, 16, 31, 32, 33, 53, 63, 64, 65, 300, 3000]))


def real(r):
    """A random float, NaN among them."""
    k = r.randint(0, 3)
    if k == 0:
        return r.choice([0.0, -0.0, 1e16, 1e15, 1e-4, 1e-5, 9999999999999998.0, 5e-324, 1e22,
                         float("inf"), float("-inf"), float("nan"), float(r.randint(-10**17, 10**17))])
    if k == 1:
        return struct.unpack(">d", r.randbytes(8))[0]
    return r.choice([r.random(), r.uniform(-1e20, 1e20), r.random() * 10 ** r.randint(-12, 22)])


def main(answer):
    for i, line in enumerate(sys.stdin.buffer):
        if i % 64 == 0:  # whoever asks waits with a thousand questions open
            sys.stdout.buffer.flush()
        try:
            out = answer(*[base64.b64decode(f) for f in line.rstrip(b"\n").split(b" ")])
        except Exception as e:
            out = [b"!" + ("%s: %s" % (type(e).__name__, e)).encode("utf-8", "replace")]
        sys.stdout.buffer.write(b" ".join([base64.b64encode(f) for f in out]) + b"\n")
