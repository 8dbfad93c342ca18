"""social-auth-core: how Django's and Flask's sites sign in with Zoom."""

from social_core.backends.zoom import ZoomOAuth2
from social_core.storage import BaseStorage, NonceMixin
from social_core.strategy import BaseStrategy

from zoom import allow, check, done, scene

REDIRECT = "http://127.0.0.1:4100/complete"
user, app = scene("social-auth", redirect_uris=[REDIRECT], scopes=["user:read:user"])


# What the library leaves to the web framework that uses it: a memory of states, settings, and the session.


class Nonce(NonceMixin):
    known = set()

    @classmethod
    def use(cls, *nonce):
        fresh = nonce not in cls.known
        cls.known.add(nonce)
        return fresh

    @classmethod
    def consume(cls, *nonce):
        there = nonce in cls.known
        cls.known.discard(nonce)
        return there


class Storage(BaseStorage):
    nonce = Nonce


class Site(BaseStrategy):
    def __init__(self):
        super().__init__(storage=Storage)
        self.session, self.data = {}, {}

    def get_setting(self, name):
        return {"SOCIAL_AUTH_ZOOM_OAUTH2_KEY": app["client_id"], "SOCIAL_AUTH_ZOOM_OAUTH2_SECRET": app["client_secret"]}[name]

    def request_data(self, merge=True):
        return self.data

    def session_get(self, name, default=None):
        return self.session.get(name, default)

    def session_set(self, name, value):
        self.session[name] = value

    def session_pop(self, name):
        return self.session.pop(name, None)

    def build_absolute_uri(self, path=None):
        return path


@check("social-auth-core: code exchange and profile")
def _():
    site = Site()
    site.data = allow(ZoomOAuth2(site, REDIRECT).auth_url())
    backend = ZoomOAuth2(site, REDIRECT)
    state = backend.validate_state()
    tokens = backend.request_access_token(
        backend.ACCESS_TOKEN_URL,
        data=backend.auth_complete_params(state),
        headers=backend.auth_headers(),
        auth=backend.auth_complete_credentials(),
        method=backend.ACCESS_TOKEN_METHOD,
    )
    profile = backend.get_user_details(backend.user_data(tokens["access_token"]))
    assert (profile["username"], profile["email"]) == (user["id"], "social-auth@example.test")


done()
