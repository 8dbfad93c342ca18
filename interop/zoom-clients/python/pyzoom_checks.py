"""pyzoom: OAuth of a user, and models that insist on every field."""

from pyzoom import ZoomClient, refresh_tokens
from pyzoom.oauth import request_tokens

from zoom import allow, check, claims, done, scene

REDIRECT = "http://localhost:3000/integrations/zoom"
user, app = scene(
    "pyzoom",
    redirect_uris=[REDIRECT],
    scopes=["user:read:user", "user:read:token", "meeting:read", "meeting:write"],
)
key = (app["client_id"], app["client_secret"])
tokens = {}


@check("pyzoom: code exchange")
def _():
    url = f"https://zoom.us/oauth/authorize?response_type=code&client_id={key[0]}&redirect_uri={REDIRECT}"
    tokens.update(request_tokens(*key, REDIRECT, allow(url)["code"]))
    assert tokens["token_type"] == "bearer" and tokens["api_url"] == "https://api.zoom.us"


@check("pyzoom: rotation, and the old token is dead")
def _():
    spent = tokens["refresh_token"]
    tokens.update(refresh_tokens(*key, spent))
    try:
        refresh_tokens(*key, spent)
    except Exception as refusal:
        assert "Invalid Token!" in str(refusal), refusal
    else:
        raise AssertionError("it worked twice")


@check("pyzoom: users/me, and token?type=zak")
def _():
    client = ZoomClient(tokens["access_token"])
    assert client.raw.get("/users/me").json()["id"] == user["id"]
    zak = client.raw.get("/users/me/token", query={"type": "zak"}).json()["token"]
    assert claims(zak)["uid"] == user["id"]


@check("pyzoom: a meeting fits its models")
def _():
    meetings = ZoomClient(tokens["access_token"]).meetings
    made = meetings.create_meeting("Planning", start_time="2031-01-31T12:00:00", duration_min=30, timezone="Europe/Vienna")
    assert made.start_time == "2031-01-31T11:00:00Z" and f"zoom.us/s/{made.id}?zak=" in made.start_url
    assert [meeting.id for meeting in meetings.list_meetings().meetings] == [made.id]
    assert meetings.get_meeting(made.id).settings.meeting_authentication
    assert meetings.delete_meeting(made.id)


done()
