"""A Flask application that does to its session what requests ask for, and
shows what it sees. Started as: app.py PORT, with the configuration as JSON in
APP_CONFIG; a backend's client is given there by its URL, as cloakroom takes it.
"""

import datetime as dt
import decimal
import json
import os
import struct
import sys
import uuid
from urllib.parse import urlsplit

from flask import Flask, flash, get_flashed_messages, jsonify, request, session
from markupsafe import Markup
from werkzeug.serving import WSGIRequestHandler, make_server


def build(tagged):
    """Makes a value of what the test sent."""
    kind, v = tagged["t"], tagged.get("v")
    if kind == "null":
        return None
    if kind == "bool":
        return v
    if kind == "int":
        return int(v)
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(v))[0]
    if kind == "str":
        return v
    if kind == "bytes":
        return bytes.fromhex(v)
    if kind == "markup":
        return Markup(v)
    if kind == "uuid":
        return uuid.UUID(v)
    if kind == "time":
        return dt.datetime.fromtimestamp(v, dt.timezone.utc)
    if kind == "decimal":
        return decimal.Decimal(v)
    if kind == "list":
        return [build(x) for x in v]
    if kind == "tuple":
        return tuple(build(x) for x in v)
    if kind == "dict":
        return {k: build(x) for k, x in v}
    raise ValueError(kind)


def show(v):
    """Writes a value as the test's Go side does."""
    kind = type(v)
    if v is None:
        return "null"
    if kind is bool:
        return "true" if v else "false"
    if kind is int:
        return str(v)
    if kind is float:
        return "float " + struct.pack(">d", v).hex()
    if kind is str:
        return json.dumps(v, ensure_ascii=True)
    if kind is bytes:
        return "bytes " + v.hex()
    if kind is Markup:
        return "markup " + json.dumps(str(v), ensure_ascii=True)
    if kind is uuid.UUID:
        return "uuid " + str(v)
    if kind is decimal.Decimal:
        return "decimal " + str(v)
    if kind is dt.datetime:
        return "time %d" % v.timestamp()
    if kind is list:
        return "[" + ",".join(map(show, v)) + "]"
    if kind is tuple:
        return "(" + ",".join(map(show, v)) + ")"
    if isinstance(v, dict):
        return "{" + ",".join(show(k) + ":" + show(v[k]) for k in sorted(v)) + "}"
    raise ValueError(kind)


def act(step):
    op, key = step["op"], step.get("key")
    if op == "set":
        session[key] = build(step["value"])
    elif op == "pop":
        return show(session.pop(key, None))
    elif op == "append":
        session[key] = session.get(key, []) + [build(step["value"])]
    elif op == "flash":
        flash(step.get("message", ""), step.get("category", ""))
    elif op == "flashes":
        return show([list(pair) for pair in get_flashed_messages(with_categories=True)])
    elif op == "clear":
        session.clear()
    elif op == "permanent":
        session.permanent = step.get("permanent", False)
    else:
        raise ValueError(op)
    return ""


def configure(app, config):
    kind = config.get("SESSION_TYPE")
    app.config.update(config)
    if kind == "redis":
        import redis

        app.config["SESSION_REDIS"] = redis.Redis.from_url(config["SESSION_REDIS"])
    elif kind == "memcached":
        from pymemcache.client.base import Client

        url = urlsplit(config["SESSION_MEMCACHED"])
        app.config["SESSION_MEMCACHED"] = Client((url.hostname, url.port), default_noreply=False)
    elif kind == "mongodb":
        import pymongo

        app.config["SESSION_MONGODB"] = pymongo.MongoClient(config["SESSION_MONGODB"])
    elif kind == "sqlalchemy":
        from flask_sqlalchemy import SQLAlchemy

        app.config["SQLALCHEMY_DATABASE_URI"] = config["SQLALCHEMY_DATABASE_URI"]
        app.config["SESSION_SQLALCHEMY"] = SQLAlchemy(app)
    if kind:
        from flask_session import Session

        Session(app)
    if kind == "sqlalchemy":
        with app.app_context():
            app.session_interface.db.create_all()


app = Flask(__name__)
configure(app, json.loads(os.environ["APP_CONFIG"]))


@app.post("/")
def do():
    saw = [act(step) for step in request.get_json()]
    # Looked at before dict(session), which would count as access too.
    return jsonify(saw=saw, permanent=bool(session.permanent),
                   session=show({k: v for k, v in session.items() if k != "_permanent"}))


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *args):
        pass


make_server("127.0.0.1", int(sys.argv[1]), app, threaded=True, request_handler=Quiet).serve_forever()
