"""A collector that keeps what it is sent, a Latchkey that exports to it, and what a token read looks like afterwards.

`collector.py FOLDER` starts both; `collector.py FOLDER beside` is what runs beside Latchkey.
"""

import gzip
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "signatures" / "python"))
import latchkey  # noqa: E402

spans = []
texts = []


class Collector(http.server.BaseHTTPRequestHandler):
    """OTLP over HTTP with JSON: `POST /v1/traces`."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        texts.append(body.decode())
        for resource in json.loads(body)["resourceSpans"]:
            names = {entry["key"]: entry["value"] for entry in resource["resource"]["attributes"]}
            for scope in resource["scopeSpans"]:
                spans.extend(span | {"service": names["service.name"]["stringValue"]} for span in scope["spans"])
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def check(what, holds):
    print(f"{'ok  ' if holds else 'FAIL'} {what}")
    return holds


def beside(folder):
    """An account, a link and a read; what must not be in any span goes to a file."""
    token = latchkey.zoom_access_token()
    with latchkey.customers_server(token, lambda body, headers: None) as url:
        status, account = latchkey.connect(url)
        assert status == 201, account
        link = latchkey.token_link(account["id"], verification="unsigned")
        status, zak = latchkey.call("GET", link)
        assert status == 200, zak
    secrets = {"link": link.rsplit(".", 1)[1], "zak": zak, "access token": token, "key": os.environ["LATCHKEY_API_KEY"]}
    (folder / "secrets.json").write_text(json.dumps(secrets | {"account id": account["id"]}))


def main(folder):
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_address[1]}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
    }
    known = folder.parent / "otlp-beside"
    known.mkdir(exist_ok=True)
    command = [folder / "with-latchkey", folder / "installation", sys.executable, __file__, known, "beside"]
    subprocess.run(command, env=os.environ | variables, check=True)

    secrets = json.loads((known / "secrets.json").read_text())
    account = secrets.pop("account id")
    (folder / "spans.json").write_text(json.dumps(spans, indent=1))
    names = sorted({span["name"] for span in spans})
    print(f"     {len(spans)} spans: {', '.join(names)}")
    mints = [span for span in spans if "mint" in span["name"]]
    trace = [span for span in spans if mints and span["traceId"] == mints[0]["traceId"]]
    attributes = json.dumps([span.get("attributes", []) for span in trace])
    holds = [
        check("spans arrive, under the name latchkey", {span["service"] for span in spans} == {"latchkey"}),
        check("a read and the mint that it waited for are one trace", bool(mints) and len(trace) > len(mints)),
        check("the trace names the account", account in attributes),
        check("no secret is in what was sent", not any(secret in text for text in texts for secret in secrets.values())),
    ]
    return 0 if all(holds) else 1


if __name__ == "__main__":
    where = pathlib.Path(sys.argv[1]).resolve()
    sys.exit(beside(where) if sys.argv[2:] else main(where))
