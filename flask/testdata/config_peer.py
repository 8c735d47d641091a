# Asks Flask and Flask-Session what they make of configurations. Reads one JSON
# object with the questions and writes one with the answers.
import datetime
import json
import os
import sys
import warnings

import flask
import flask.sessions
import flask_session
import werkzeug.http

warnings.simplefilter("ignore")


class Recorder(dict):
    """A copy of app.config that notes the defaults Flask-Session sets."""

    defaults = {}

    def setdefault(self, key, value=None):
        Recorder.defaults[key] = value
        return super().setdefault(key, value)


def tagged(v):
    if isinstance(v, dict):
        "".join(v).encode()
        return {"table": {k: tagged(x) for k, x in v.items()}}
    if isinstance(v, list):
        return {"list": [tagged(x) for x in v]}
    if v is None or isinstance(v, bool):
        return {"is": v}
    if isinstance(v, int):
        return {"int": str(v)}
    if isinstance(v, float):
        return {"float": repr(v)}
    if isinstance(v, datetime.timedelta):
        return {"float": repr(v.total_seconds())}
    v.encode()
    return {"text": v}


def defaults():
    app = flask.Flask("x")
    found = dict(app.config)
    flask.Config.copy = lambda self: Recorder(self)
    flask_session.Session(app)
    found.update(Recorder.defaults)
    return {
        k: tagged(v)
        for k, v in found.items()
        if k.startswith(("SESSION_", "SECRET_", "PERMANENT_", "APPLICATION_", "SERVER_"))
    }


def environ(variables):
    os.environ.clear()
    os.environ.update(variables)
    config = flask.Config(".")
    try:
        config.from_prefixed_env()
    except TypeError:
        return {"error": True}
    table = {}
    for k, v in config.items():
        try:
            table[k] = tagged(v)
        except UnicodeEncodeError:
            table[k] = {"surrogate": True}
    return {"table": table}


def samesite(v):
    try:
        return werkzeug.http.dump_cookie("k", "v", samesite=v, path=None).rpartition("SameSite=")[2]
    except (ValueError, AttributeError):
        return "error"


def lifetime(v):
    app = flask.Flask("x")
    app.config["PERMANENT_SESSION_LIFETIME"] = v
    try:
        return repr(app.permanent_session_lifetime.total_seconds())
    except (TypeError, OverflowError, AttributeError, ValueError):
        return "error"


def domain(config):
    app = flask.Flask("x")
    app.config.update(config)
    d = flask.sessions.SecureCookieSessionInterface().get_cookie_domain(app)
    cookie = werkzeug.http.dump_cookie("k", "v", domain=d, path=None)
    return cookie.rpartition("Domain=")[2] if "Domain=" in cookie else ""


def idna(name):
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return "error"


def timedelta(seconds):
    return str(datetime.timedelta(seconds=seconds))


questions = json.load(sys.stdin)
answers = {"defaults": defaults()}
for ask in (environ, samesite, lifetime, domain, idna, timedelta):
    answers[ask.__name__] = [ask(q) for q in questions.get(ask.__name__) or []]
json.dump(answers, sys.stdout)
