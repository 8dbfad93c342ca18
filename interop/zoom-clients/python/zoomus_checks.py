"""zoomus: the library most Python projects have."""

from datetime import datetime

from zoomus import ZoomClient

from zoom import check, claims, done, scene

user, app = scene(
    "zoomus",
    kind="server_to_server",
    scopes=[
        "user:read:user:admin",
        "user:read:list_users:admin",
        "user:read:zak:admin",
        "meeting:read:list_meetings:admin",
        "meeting:read:meeting:admin",
        "meeting:write:meeting:admin",
        "meeting:delete:meeting:admin",
    ],
)
client = ZoomClient(app["client_id"], app["client_secret"], app["account_id"])


@check("zoomus: server-to-server, and a user by e-mail address")
def _():
    assert client.user.get(id="zoomus@example.test").json()["id"] == user["id"]


@check("zoomus: users of the account")
def _():
    users = client.user.list(page_size=300).json()["users"]
    assert user["id"] in [found["id"] for found in users]


@check("zoomus: a meeting made, read, listed and deleted")
def _():
    start = datetime(2031, 1, 31, 12)
    made = client.meeting.create(user_id=user["id"], topic="Planning", type=2, start_time=start, duration=30)
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    assert client.meeting.get(id=number).json()["start_time"] == "2031-01-31T12:00:00Z"
    listed = client.meeting.list(user_id=user["id"], type="upcoming").json()["meetings"]
    assert [meeting["id"] for meeting in listed] == [number]
    assert client.meeting.delete(id=number).status_code == 204
    assert client.meeting.get(id=number).json()["code"] == 3001


@check("zoomus: token?type=zak")
def _():
    answer = client.user.get_request(f"/users/{user['id']}/token", params={"type": "zak"})
    assert claims(answer.json()["token"])["uid"] == user["id"], answer.text


done()
