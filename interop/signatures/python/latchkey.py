"""Calls Latchkey over HTTP as a platform's server and a customer's server do, with only the standard library."""

import contextlib
import http.server
import json
import os
import queue
import threading
import urllib.error
import urllib.request

# Loopback is reached without any proxy.
_http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(method, url, body=None, headers=None):
    """Sends a request. Returns status and text. `body` is bytes; its type is JSON unless the headers set another."""
    headers = {"content-type": "application/json"} | (headers or {}) if body is not None else headers or {}
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with _http.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


def api(path, fields):
    """Sends a `POST` request to Latchkey's API. Returns status and parsed JSON."""
    headers = {"authorization": f"Token {os.environ['LATCHKEY_API_KEY']}"}
    status, text = call("POST", os.environ["LATCHKEY_URL"] + path, json.dumps(fields).encode(), headers)
    return status, json.loads(text)


def connect(callback_url):
    """Connects an account whose access tokens come from this URL."""
    fields = {"oauth_app": os.environ["LATCHKEY_APP"], "access_token_callback_url": callback_url}
    return api("/api/v2/zoom-oauth-credentials/", fields)


def token_link(account, **terms):
    """Creates a token link to an account's ZAKs. Returns its URL."""
    status, link = api("/api/latchkey/v1/token-links/", {"credential": account, "kind": "zak", **terms})
    assert status == 201, link
    return link["url"]


def endpoint(url, **fields):
    """Creates a webhook endpoint. Returns its id and its secret."""
    status, made = api("/api/latchkey/v1/webhook-endpoints/", {"url": url, **fields})
    assert status == 201, made
    return made["id"], made["secret"]


def rotate_endpoint_secret(endpoint, overlap_seconds):
    """Creates a new secret for an endpoint's events and returns it. The old one also signs during the overlap."""
    path = f"/api/latchkey/v1/webhook-endpoints/{endpoint}/rotate-secret/"
    status, made = api(path, {"overlap_seconds": overlap_seconds})
    assert status == 200, made
    return made["secret"]


def send_a_test(endpoint):
    """Makes Latchkey send a test event to an endpoint."""
    status, answer = api(f"/api/latchkey/v1/webhook-endpoints/{endpoint}/test/", {})
    assert status in (200, 201, 202), answer


def rotate_callback_secret(overlap_seconds):
    """Creates a new secret for Latchkey's requests and returns it. The old one also signs during the overlap."""
    status, secret = api("/api/latchkey/v1/callback-secret/rotate/", {"overlap_seconds": overlap_seconds})
    assert status == 200, secret
    return secret["secret"]


def zoom_access_token():
    """Creates a Zoom user who has consented to the app. Returns the user's access token."""
    fields = {"client_id": os.environ["ZOOM_CLIENT_ID"], "count": 1}
    status, text = call("POST", os.environ["ZOOM_CONTROL"] + "/consents", json.dumps(fields).encode())
    assert status == 201, text
    return json.loads(text)[0]["access_token"]


@contextlib.contextmanager
def receiver():
    """A server that receives events. Yields its URL, and a queue of bodies with their headers."""
    received = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.put((self.rfile.read(int(self.headers["content-length"])), dict(self.headers)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with served(Handler) as base:
        yield f"{base}/events", received


@contextlib.contextmanager
def served(handler):
    """A server on loopback. Yields its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def customers_server(token, verify):
    """A server that answers with the token if `verify(body, headers)` does not raise. Yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            try:
                verify(body, dict(self.headers))
                status, text = 200, token
            except Exception as error:
                status, text = 401, str(error)
            self.send_response(status)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with served(Handler) as base:
        yield f"{base}/token"
