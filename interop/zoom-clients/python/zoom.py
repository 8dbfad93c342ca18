"""What every suite of checks needs: its line for each check, the control API, and a person at a browser."""

import base64
import json
import os
import re
import sys
import traceback
from urllib.parse import parse_qs, urlparse

import requests

_failed = False


def check(name):
    """Runs the function it decorates, and prints a line for it."""

    def run(work):
        global _failed
        try:
            work()
            print(f"ok   {name}", flush=True)
        except Exception:
            _failed = True
            print(f"FAIL {name}: {traceback.format_exc()}", flush=True)

    return run


def done():
    """Ends the process, with 1 if a check failed."""
    sys.exit(_failed)


def control(method, path, body=None):
    """Calls the simulator's control API."""
    answer = requests.request(method, os.environ["SIM"] + path, json=body)
    assert answer.ok, f"{method} {path}: {answer.text}"
    return answer.json() if answer.text else None


def scene(name, **app):
    """A user, and an app."""
    user = control("POST", "/users", {"email": f"{name}@example.test", "display_name": "Ada Lovelace"})
    control("PUT", "/signed-in", {"user_id": user["id"]})
    return user, control("POST", "/apps", app)


def allow(url):
    """Opens an authorisation URL as a browser does, presses Allow, and says with which parameters Zoom sends the browser back."""
    page = requests.get(url)
    consent = re.search(r'name="consent" value="([^"]+)"', page.text)
    assert consent, f"no consent page: {page.text}"
    form = {"consent": consent[1], "decision": "allow"}
    decision = requests.post("https://zoom.us/oauth/authorize", data=form, allow_redirects=False)
    return {name: values[0] for name, values in parse_qs(urlparse(decision.headers["location"]).query).items()}


def claims(token):
    """What a JWT says."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
