"""Standard Webhooks: the libraries `svix` and `standardwebhooks`, and Latchkey, accept each other's signatures."""

import base64
import datetime
import importlib.metadata
import json
import secrets

import standardwebhooks
import svix.webhooks

import latchkey
from report import check, end, expect

# A fetch has no body; a report has one that names an event.
BODIES = [
    "",
    json.dumps({"event": "bot.joining_call", "bot": "Zürich 🗝", "n": 1.5}, ensure_ascii=False),
    '{\n "event" : "white space" \t}\n',
]


def whsec():
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def now(seconds_ago=0):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds_ago)


def signed(webhook, family, body, at=None):
    """The three headers, as the library signs them."""
    message, at = "msg_" + secrets.token_urlsafe(12), at or now()
    signature = webhook.sign(message, at, body)
    return {f"{family}-id": message, f"{family}-timestamp": str(int(at.timestamp())), f"{family}-signature": signature}


def fetch(link, headers, body):
    """A token, or that a report was taken, or the stable code of the refusal."""
    if body:
        status, text = latchkey.call("POST", link + "/status", body.encode(), headers)
        return (204, "taken") if status == 204 else (status, text.split(":")[0])
    status, text = latchkey.call("GET", link, None, headers)
    return (status, "a token") if status == 200 and text.count(".") == 2 else (status, text.split(":")[0])


def link_accepts(who, library, account):
    one, other, foreign = whsec(), whsec(), whsec()
    link = latchkey.token_link(account, signing_secret=[one, other])
    with check(who, "signs and a token link gives a ZAK, and takes a report: both header families, both secrets of a link"):
        for family in ("webhook", "svix"):
            for secret in (one, other):
                for body in BODIES:
                    expected = (204, "taken") if body else (200, "a token")
                    expect(fetch(link, signed(library(secret), family, body), body), expected)
    with check(who, "signs for a rotation: one right entry among several is enough"):
        headers = signed(library(one), "webhook", "")
        headers["webhook-signature"] = f"v1a,AAAA v1,AAAA {headers['webhook-signature']}"
        expect(fetch(link, headers, ""), (200, "a token"))
    with check(who, "signs, and another secret, body, id, and an old or early time are refused"):
        for family in ("webhook", "svix"):
            expect(fetch(link, signed(library(foreign), family, ""), ""), (401, "signature_invalid"))
            expect(fetch(link, signed(library(one), family, "one"), "other"), (401, "signature_invalid"))
            headers = signed(library(one), family, "")
            expect(fetch(link, headers | {f"{family}-id": "msg_other"}, ""), (401, "signature_invalid"))
            for seconds_ago in (320, -320):
                headers = signed(library(one), family, "", now(seconds_ago))
                expect(fetch(link, headers, ""), (401, "signature_stale"))
        expect(fetch(link, {}, ""), (401, "signature_missing"))


def library_accepts(who, library, token):
    """Answers an account, whose tokens Latchkey fetched in a call that the library has verified."""
    def connects(secret):
        verifier = library(secret)
        with latchkey.customers_server(token, verifier.verify) as url:
            status, answer = latchkey.connect(url)
            return status, answer.get("id") if status == 201 else answer.get("code")

    former = latchkey.rotate_callback_secret(0)
    status, account = connects(former)
    with check(who, "verifies what Latchkey sends"):
        expect(status, 201)
    new = latchkey.rotate_callback_secret(3600)
    with check(who, "verifies it with the new and the former secret, while they are rotated"):
        expect([connects(secret)[0] for secret in (former, new)], [201, 201])
    with check(who, "refuses it with any other secret"):
        expect(connects(whsec()), (400, "access_token_callback_failed"))
    return account


def library_accepts_events(who, library, families):
    """Events of an endpoint, as the library reads them."""
    with latchkey.receiver() as (url, heard):
        endpoint, former = latchkey.endpoint(url, svix_headers=True)

        def event():
            latchkey.send_a_test(endpoint)
            return heard.get(timeout=30)

        def accepted(secret, family, body, headers):
            library(secret).verify(body, {name: value for name, value in headers.items() if name.startswith(family)})

        def refused(secret, body, headers):
            try:
                library(secret).verify(body, headers)
            except Exception:
                return True
            return False

        with check(who, "verifies events, by either header family, and no changed one"):
            body, headers = event()
            for family in families:
                accepted(former, family, body, headers)
            expect(json.loads(body)["event"], "webhook_endpoint.test")
            expect([refused(former, body + b" ", headers), refused(whsec(), body, headers)], [True, True])
        with check(who, "verifies events with the new and the former secret, while they are rotated"):
            new = latchkey.rotate_endpoint_secret(endpoint, 3600)
            body, headers = event()
            for secret in (former, new):
                library(secret).verify(body, headers)
        with check(who, "refuses events by a secret that has ended"):
            last = latchkey.rotate_endpoint_secret(endpoint, 0)
            body, headers = event()
            library(last).verify(body, headers)
            expect([refused(secret, body, headers) for secret in (former, new)], [True, True])


class Standard(standardwebhooks.Webhook):
    """As it comes, it reads the body as JSON; a fetch has none."""

    def verify(self, data, headers):
        super().verify(data, headers, json_parse=False)


def main():
    libraries = (("svix", svix.webhooks.Webhook, ("webhook", "svix")), ("standardwebhooks", Standard, ("webhook",)))
    for name, library, families in libraries:
        who = f"Python {name} {importlib.metadata.version(name)}"
        account = library_accepts(who, library, latchkey.zoom_access_token())
        link_accepts(who, library, account)
        library_accepts_events(who, library, families)
    end()


main()
