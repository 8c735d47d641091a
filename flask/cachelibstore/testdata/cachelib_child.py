"""cachelib's FileSystemCache, driven by one JSON command per line."""
import json, os, struct, sys
import cachelib, cachelib.file
from cachelib.file import FileSystemCache

clock = None
real_time = cachelib.file.time
cachelib.file.time = lambda: real_time() if clock is None else clock
caches = {}

def header(path):
    with open(path, "rb") as f:
        return struct.unpack("I", f.read(4))[0]

def touch(c, key, expiry):
    """What has no counterpart in cachelib, for the directory to compare with."""
    path = c._get_filename(key)
    if c.has(key) and header(path) != 0 and (expiry == 0 or expiry > header(path)):
        with open(path, "r+b") as f:
            f.write(struct.pack("I", expiry))

def run(dir=None, op=None, key=None, value=None, timeout=0, threshold=500, now=None, expiry=0):
    global clock
    if op == "version":
        return getattr(cachelib, "__version__", "?")
    clock = now
    if op == "open":
        caches[dir] = FileSystemCache(dir, threshold=threshold)
        return None
    c = caches[dir]
    if op == "set":
        return c.set(key, value, timeout)
    if op == "get":
        return c.get(key)
    if op == "delete":
        return c.delete(key)
    if op == "clear":
        return c.clear()
    if op == "expire":
        return c._remove_expired(clock)
    if op == "touch":
        return touch(c, key, expiry)
    raise ValueError(op)

for line in sys.stdin:
    print(json.dumps(run(**json.loads(line))), flush=True)
