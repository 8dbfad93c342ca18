"""zoom-python-client: server-to-server, with slashes at the end of its paths."""

from zoom_python_client.zoom_api_client import ZoomApiClient

from zoom import check, control, done, scene

user, app = scene(
    "zoom-python-client",
    kind="server_to_server",
    scopes=["user:read:user:admin", "meeting:read:list_meetings:admin", "meeting:read:meeting:admin"],
)
client = ZoomApiClient(app["account_id"], app["client_id"], app["client_secret"])


@check("zoom-python-client: server-to-server, and a user")
def _():
    assert client.users.get_user(user["id"])["email"] == "zoom-python-client@example.test"


@check("zoom-python-client: meetings of a user, page by page")
def _():
    made = {control("POST", "/meetings", {"host_id": user["id"]})["meeting_number"] for _ in range(3)}
    first = client.users.get_user_meetings(user["id"], {"page_size": 2})
    second = client.users.get_user_meetings(user["id"], {"page_size": 2, "next_page_token": first["next_page_token"]})
    assert {str(meeting["id"]) for meeting in first["meetings"] + second["meetings"]} == made


@check("zoom-python-client: a meeting")
def _():
    number = control("POST", "/meetings", {"host_id": user["id"], "started": True})["meeting_number"]
    assert client.meetings.get_meeting(number)["status"] == "started"


done()
