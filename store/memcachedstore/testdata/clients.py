"""Does what the test says, with the Python clients of Memcached.

Each line of the input is a command in JSON, each line of the output its answer.
Values are texts of single-byte characters.
"""

import json
import sys

import memcache
import pylibmc
from cachelib import MemcachedCache
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

clients = {}


def client(kind, servers):
    if kind == "pymemcache":
        if len(servers) == 1:
            return Client(servers[0])
        return HashClient(servers)
    if kind == "python-memcached":
        return memcache.Client(servers)
    if kind == "pylibmc":
        return pylibmc.Client(servers)
    if kind == "ketama":
        return pylibmc.Client(servers, behaviors={"ketama_weighted": True})
    if kind == "cachelib":
        return MemcachedCache(servers)
    raise ValueError(kind)


for line in sys.stdin:
    c = json.loads(line)
    kind, servers = c["client"], c["servers"]
    used = clients.setdefault((kind, *servers), client(kind, servers))
    answer = []
    for key in c["keys"]:
        if c["op"] == "set" and kind == "cachelib":
            answer.append(used.set(key, {"value": c["value"]}, c["exptime"]))
        elif c["op"] == "set":
            answer.append(used.set(key, c["value"].encode("latin1"), c["exptime"]))
        elif c["op"] == "get" and kind == "cachelib":
            answer.append((used.get(key) or {}).get("value"))
        elif c["op"] == "get":
            value = used.get(key)
            answer.append(value and value.decode("latin1"))
    print(json.dumps(answer), flush=True)
