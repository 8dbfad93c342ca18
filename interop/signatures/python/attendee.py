"""Attendee's rule: what Python's own `json` and `hmac` sign as Attendee does, a token link accepts, and nothing else.

`SEED=…` repeats a run.
"""

import base64
import hashlib
import hmac
import json
import os
import random
import secrets

import latchkey
from report import check, end, expect

WHO = "Python json"
REQUESTS = 400
# The contract's vectors, with a secret that is made up.
SECRET = "Tk9ULUEtUkVBTC1TRUNSRVQtYXR0ZW5kZWUtdmVjMDE="
VECTOR_D = (
    r'{"bot_id": "bot_TESTVECTOR000001", "bot_metadata": {"tenant": "t-1", "note": "Z\u00fcrich \"A\"", "Order": 2}, '
    r'"callback_type": "zoom_tokens", "meeting_url": "https://zoom.us/j/12345678901?pwd=abc.1"}'
)
VECTOR_E = (
    '{"bot_id":"bot_TESTVECTOR000001","bot_metadata":null,'
    '"callback_type":"zoom_tokens","meeting_url":"https://zoom.us/j/12345678901?pwd=abc.1"}'
)
SIGNATURE_D = "SWXW99aQQwx52hLCVLTNP0oAssngYEAm80WAqCUmawY="
SIGNATURE_D_OF_THE_BYTES = "MW4Cxsu3P1fNppKgrMQ7b8ng6pSivwYDlvHdXHDp5XM="
SIGNATURE_E = "rFjbGP6rqJYkPU/R7/UnZzwLWNMg+meKRbp9lYsf2sw="


def sign(secret, payload):
    """As Attendee signs."""
    canonical = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    tag = hmac.new(base64.b64decode(secret), canonical.encode(), hashlib.sha256).digest()
    return base64.b64encode(tag).decode()


def ask(link, text, signature):
    """A ZAK, or the stable code of the refusal."""
    status, answer = latchkey.call("POST", link, text.encode(), {"x-webhook-signature": signature})
    answer = json.loads(answer)
    return (status, list(answer)) if status == 200 else (status, answer["error"]["code"])


GIVEN = (200, ["zak_token"])
REFUSED = (401, "signature_invalid")


class Anything:
    """Random values that JSON can hold."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        alphabets = ["ab \u00fc\u00df", "\x00\x01\x08\t\n\x0b\x0c\r\x1f\x7f\x80\u2028", '"\\/\'<>&', "\uff5e\ufffd\U0001f600\U0010ffff"]
        return "".join(self.random.choice(self.random.choice(alphabets)) for _ in range(self.random.randrange(8)))

    def number(self):
        number = self.random
        return number.choice([
            0, -1, 2**53 + 1, -(2**64), 10**40, 0.1 + 0.2, -0.0, 1.0, 1e16, 1e-7, 5e-324, 1.7976931348623157e308,
            number.randrange(-(10**20), 10**20), number.uniform(-1, 1), number.uniform(-1, 1) * 10.0 ** number.randrange(-300, 300),
        ])

    def value(self, depth):
        kind = self.random.randrange(8 if depth else 6)
        if kind == 6:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        if kind == 7:
            return {self.text(): self.value(depth - 1) for _ in range(self.random.randrange(5))}
        return [None, True, False, self.number(), self.text(), self.text()][kind]

    def nested(self, depth):
        """A value that lies this deep."""
        inner = self.value(0)
        for _ in range(depth):
            inner = {self.text(): inner} if self.random.random() < 0.5 else [self.value(0), inner]
        return inner

    def payload(self, deepest=31):
        # 32 levels are read, and the payload itself is one of them.
        metadata = self.nested(self.random.randint(1, deepest)) if self.random.random() < 0.3 else self.value(5)
        fields = {
            "bot_id": "bot_" + secrets.token_hex(8), "bot_metadata": metadata, "callback_type": "zoom_tokens",
            "meeting_url": f"https://zoom.us/j/{self.random.randrange(10**10, 10**11)}?pwd=x",
        }
        return dict(self.shuffled(fields))

    def shuffled(self, fields):
        items = list(fields.items())
        self.random.shuffle(items)
        return items

    def spelled(self, value):
        """The same value in other bytes: another order, white space, and escapes."""
        def reordered(value):
            if isinstance(value, dict):
                return {key: reordered(inner) for key, inner in self.shuffled(value)}
            return [reordered(inner) for inner in value] if isinstance(value, list) else value

        indent, ascii_only = self.random.choice([None, 0, 3, "\t"]), self.random.random() < 0.5
        separators = (self.random.choice([",", ", "]), self.random.choice([":", ": ", " :\r\n"]))
        return json.dumps(reordered(value), indent=indent, ensure_ascii=ascii_only, separators=separators)


def vectors(link):
    with check(WHO, "Attendee's vectors D and E are accepted, D's signature over the raw bytes is not"):
        expect(ask(link, VECTOR_D, SIGNATURE_D), GIVEN)
        expect(ask(link, VECTOR_E, SIGNATURE_E), GIVEN)
        expect(ask(link, VECTOR_D, SIGNATURE_D_OF_THE_BYTES), REFUSED)
        expect(sign(SECRET, json.loads(VECTOR_D)), SIGNATURE_D)


def random_payloads(link, secrets_of_link, seed):
    anything = Anything(seed)
    with check(WHO, f"{REQUESTS} random payloads, in any order, spacing and escaping, are accepted (SEED={seed})"):
        for _ in range(REQUESTS):
            payload = anything.payload()
            signature = sign(anything.random.choice(secrets_of_link), payload)
            if (answer := ask(link, anything.spelled(payload), signature)) != GIVEN:
                raise AssertionError(f"{answer}: {json.dumps(payload)}")
    with check(WHO, f"{REQUESTS} with another value, secret or type of number are refused"):
        for _ in range(REQUESTS):
            # One of the changes goes a level deeper.
            payload = anything.payload(deepest=30)
            signature = sign(secrets_of_link[0], payload)
            changed = anything.random.choice([
                payload | {"bot_id": payload["bot_id"] + "0"},
                payload | {"bot_metadata": [payload["bot_metadata"]]},
                payload | {"more": None},
                {key: value for key, value in payload.items() if key != "bot_metadata"},
            ])
            expect(ask(link, anything.spelled(changed), signature), REFUSED)
            stranger = base64.b64encode(secrets.token_bytes(32)).decode()
            expect(ask(link, anything.spelled(payload), sign(stranger, payload)), REFUSED)
        for sent, signed in ((1, 1.0), (1e16, 10**16), ("1", 1), (0.0, -0.0), (None, "")):
            payload = anything.payload()
            signature = sign(secrets_of_link[0], payload | {"bot_metadata": signed})
            expect(ask(link, json.dumps(payload | {"bot_metadata": sent}), signature), REFUSED)


def unreadable(link):
    malformed = (400, "request_malformed")
    with check(WHO, "too deep, not JSON, a key named twice: refused as malformed, whatever the signature"):
        deep = {"bot_metadata": 1}
        for _ in range(40):
            deep = {"bot_metadata": deep}
        for payload in (deep, {"bot_metadata": float("nan")}, {"bot_metadata": float("inf")}):
            expect(ask(link, json.dumps(payload), sign(SECRET, payload)), malformed)
        twice = VECTOR_E.replace('"bot_metadata":null', '"bot_metadata":1,"bot_metadata":null')
        expect(ask(link, twice, SIGNATURE_E), malformed)
        expect(ask(link, VECTOR_E + "x", SIGNATURE_E), malformed)


def main():
    with latchkey.customers_server(latchkey.zoom_access_token(), lambda body, headers: None) as url:
        status, account = latchkey.connect(url)
        assert status == 201, account
    other = base64.b64encode(secrets.token_bytes(32)).decode()
    link = latchkey.token_link(account["id"], dialect="attendee", signing_secret=[SECRET, other])
    vectors(link)
    random_payloads(link, [SECRET, other], os.environ.get("SEED") or secrets.token_hex(4))
    unreadable(link)
    end()


main()
