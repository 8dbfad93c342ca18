"""The quickstart with a client that openapi-python-client made from the document."""

import json
import os
import time
import urllib.request

from latchkey_client import AuthenticatedClient
from latchkey_client.api.accounts import zoom_oauth_credentials_create
from latchkey_client.api.bots import bot_create, bot_leave_call_create, bot_list, bot_retrieve
from latchkey_client.api.token_links import token_links_create
from latchkey_client.api.zoom_apps import zoom_oauth_apps_create
from latchkey_client.models import (
    AppKind,
    CreateBot,
    CreateBotZoom,
    CreateTokenLink,
    CreateZoomOauthApp,
    CreateZoomOauthCredential,
    Dialect,
    FieldErrors,
)

http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def simulator(path, fields):
    """What a person does at Zoom, where the simulator stands."""
    request = urllib.request.Request(os.environ["ZOOM_CONTROL"] + path, json.dumps(fields).encode(), method="POST")
    with http.open(request, timeout=30) as answer:
        return json.load(answer)


def made(answer):
    """The parsed body of an answer that made something."""
    assert answer.status_code == 201, (answer.status_code, answer.content)
    return answer.parsed


client = AuthenticatedClient(
    base_url=os.environ["LATCHKEY_URL"], token=os.environ["LATCHKEY_API_KEY"], prefix="Token", timeout=30
)

at_zoom = simulator("/apps", {"name": "Python", "kind": "user_level", "sdk": True})
asked = CreateZoomOauthApp(
    kind=AppKind.USER_LEVEL,
    client_id=at_zoom["client_id"],
    client_secret=at_zoom["client_secret"],
    webhook_secret="of-the-webhook",
)
app = made(zoom_oauth_apps_create.sync_detailed(client=client, body=asked))
print("ok   python: an app is registered", flush=True)

consent = simulator("/consents", {"client_id": at_zoom["client_id"], "count": 1})[0]
asked = CreateZoomOauthCredential(oauth_app=app.id, refresh_token=consent["refresh_token"])
account = made(zoom_oauth_credentials_create.sync_detailed(client=client, body=asked))
assert account.user_id == consent["user_id"] and account.latchkey_status.value == "healthy", account
print("ok   python: an account is imported", flush=True)

asked = CreateTokenLink(dialect=Dialect.BEARER, credential=account.id)
link = made(token_links_create.sync_detailed(client=client, body=asked))
request = urllib.request.Request(link.url, headers={"authorization": link.authorization})
with http.open(request, timeout=30) as answer:
    token = json.load(answer)
assert token["kind"] == "zak" and token["token"].count(".") == 2, token.keys()
print("ok   python: a token link gives a ZAK", flush=True)

fields = {"host_id": consent["user_id"], "topic": "Python", "passcode": "latch1", "sign_in": "any", "started": True}
meeting = simulator("/meetings", fields)
asked = CreateBot(meeting_url=meeting["join_url"], bot_name="Notes", zoom=CreateBotZoom(credential=account.id))
bot = made(bot_create.sync_detailed(client=client, body=asked))
deadline = time.monotonic() + 120
while bot.status_changes[-1].code.value not in ("in_call_not_recording", "done", "fatal"):
    assert time.monotonic() < deadline, bot.status_changes
    time.sleep(0.2)
    bot = bot_retrieve.sync(bot.id, client=client)
assert bot.status_changes[-1].code.value == "in_call_not_recording", bot.status_changes
assert bot.id in [each.id for each in bot_list.sync(client=client).results]
bot_leave_call_create.sync(bot.id, client=client)
while bot.status_changes[-1].code.value not in ("done", "fatal"):
    assert time.monotonic() < deadline, bot.status_changes
    time.sleep(0.2)
    bot = bot_retrieve.sync(bot.id, client=client)
assert bot.status_changes[-1].code.value == "done", bot.status_changes
print("ok   python: a bot joins signed in, is read, and leaves", flush=True)

refused = bot_create.sync_detailed(client=client, body=CreateBot(meeting_url="no link"))
assert refused.status_code == 400 and isinstance(refused.parsed, FieldErrors), refused
assert "meeting_url" in refused.parsed.additional_properties, refused
print("ok   python: a refusal is parsed, with the field that is wrong", flush=True)
