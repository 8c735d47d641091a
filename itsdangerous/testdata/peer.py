"""Answers requests with the real itsdangerous: one JSON line in, one out."""
import base64, hashlib, json, sys
import itsdangerous as it
from itsdangerous import timed

clock = [0]
timed.TimestampSigner.get_timestamp = lambda self: clock[0]


class Opaque:
    """A serializer that leaves bytes as they are."""
    dumps = staticmethod(lambda v: v if isinstance(v, bytes) else b"")
    loads = staticmethod(lambda v: v)


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def maker(r):
    signer = {"sep": base64.b64decode(r["sep"]), "key_derivation": r["derivation"],
              "digest_method": getattr(hashlib, r["digest"])}
    secrets = [base64.b64decode(s) for s in r["secrets"]]
    salt = {} if r.get("salt") is None else {"salt": base64.b64decode(r["salt"])}
    cls = getattr(it, r["class"])
    if issubclass(cls, it.Signer):
        return cls(secrets, **salt, **signer)
    kw = {"serializer": Opaque} if r.get("opaque") else {}
    return cls(secrets, **salt, signer_kwargs=signer, **kw)


def write(obj, r):
    clock[0] = r["now"]
    if isinstance(obj, it.Signer):
        return b64(obj.sign(base64.b64decode(r["value"])))
    value = base64.b64decode(r["value"])
    return b64(obj.dumps(value if r.get("opaque") else json.loads(value)))


def read(obj, r, text):
    clock[0] = r["now"] + r.get("later", 0)
    text = base64.b64decode(text)
    is_timed = r["class"] in ("TimestampSigner", "TimedSerializer", "URLSafeTimedSerializer")
    kw = {}
    if is_timed:
        kw = {"return_timestamp": True}
        if r.get("max_age") is not None:
            kw["max_age"] = r["max_age"]
    try:
        got = (obj.unsign if isinstance(obj, it.Signer) else obj.loads)(text, **kw)
    except it.BadData as e:
        out = {"error": type(e).__name__}
        if getattr(e, "date_signed", None) is not None:
            out["date"] = int(e.date_signed.timestamp())
        if getattr(e, "payload", None) is not None:
            out["payload"] = b64(e.payload)
        return out
    except Exception as e:  # a date that Python cannot express, for one
        return {"error": "crash " + type(e).__name__}
    out = {"error": ""}
    if is_timed:
        got, date = got
        out["date"] = int(date.timestamp())
    if isinstance(got, bytes):
        out["value"] = b64(got)
    else:
        out["value"] = b64(json.dumps(got, sort_keys=True))
    return out


def base64_decode(text):
    try:
        return {"error": "", "value": b64(it.encoding.base64_decode(base64.b64decode(text)))}
    except it.BadData:
        return {"error": "BadData"}


def answer(r):
    if r["class"] == "base64":
        return {"read": [base64_decode(t) for t in r["texts"]]}
    obj = maker(r)
    out = {"read": [read(obj, r, t) for t in r["texts"]]}
    if r.get("value") is not None:
        out["signed"] = write(obj, r)
    return out


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
