//! The test across tenants: another workspace's ids are answered like unknown ids, to the last byte.

use std::cell::Cell;

use broker::{Hosting, PoolSeatRequest};
use serde_json::{Value, json};

use crate::{
    app,
    test_app::{Answer, CLIENT_ID, TestApp},
};

/// An id of nothing.
const UNKNOWN: &str = "01990000-0000-7000-8000-000000000000";
pub(crate) const METHODS: [&str; 5] = ["GET", "PATCH", "PUT", "POST", "DELETE"];

/// The kind of object that an id in a path refers to.
#[derive(Debug, Clone, Copy)]
enum Thing {
    Bot,
    /// The file of a screenshot of the preceding bot.
    Picture,
    App,
    Account,
    ParkedConsent,
    TokenLink,
    Pool,
    /// An account in the preceding pool.
    Member,
    /// A seat of the preceding pool, which a bot has taken.
    Seat,
    ConnectLink,
    ApiKey,
    Workspace,
    WebhookEndpoint,
    /// An event that was sent to the preceding endpoint.
    Delivery,
}

/// Makes a request's body from the id of an account or another object that it refers to.
type Asked = fn(&str) -> Value;

/// A path with ids in it. The test finds out its methods.
struct Row {
    path: &'static str,
    /// The kinds of the ids, in order.
    ids: &'static [Thing],
    /// The body that the owner, who has this account, would send: only the id can make the request fail.
    body: Asked,
    /// The status for another workspace.
    status: u16,
}

const fn row(path: &'static str, ids: &'static [Thing]) -> Row {
    Row { path, ids, body: |_| Value::Null, status: 404 }
}

const ROWS: &[Row] = &[
    row("/api/v1/bot/{id}", &[Thing::Bot]),
    row("/api/v1/bot/{id}/leave_call", &[Thing::Bot]),
    row("/api/v1/bot/{id}/output_video", &[Thing::Bot]),
    row("/api/v1/bot/{id}/send_chat_message", &[Thing::Bot]),
    row("/api/v1/bot/{id}/screenshots", &[Thing::Bot]),
    row("/api/v1/bot/{id}/delete_media", &[Thing::Bot]),
    row("/api/latchkey/v1/bot/{id}/meeting-events", &[Thing::Bot]),
    row("/api/latchkey/v1/bot/{id}/log", &[Thing::Bot]),
    row("/api/latchkey/v1/bot/{id}/evidence", &[Thing::Bot]),
    row("/api/latchkey/v1/bot/{id}/realtime-endpoints", &[Thing::Bot]),
    row("/api/v1/bot/{id}/request_recording_permission", &[Thing::Bot]),
    row("/api/v1/bot/{id}/start_recording", &[Thing::Bot]),
    row("/api/v1/bot/{id}/stop_recording", &[Thing::Bot]),
    row("/api/v1/bot/{id}/pause_recording", &[Thing::Bot]),
    row("/api/v1/bot/{id}/resume_recording", &[Thing::Bot]),
    Row { body: |_| json!({ "client_secret": "new" }), ..row("/api/v2/zoom-oauth-apps/{id}", &[Thing::App]) },
    row("/api/latchkey/v1/zoom-oauth-apps/{id}/check", &[Thing::App]),
    row("/api/v2/zoom-oauth-credentials/{id}", &[Thing::Account]),
    row("/api/v2/zoom-oauth-credentials/{id}/validate", &[Thing::Account]),
    row("/api/v2/zoom-oauth-credentials/{id}/access-token", &[Thing::Account]),
    row("/api/v2/zoom-oauth-credentials/{id}/sync-meetings", &[Thing::Account]),
    row("/api/latchkey/v1/parked-consents/{id}", &[Thing::ParkedConsent]),
    row("/api/latchkey/v1/parked-consents/{id}/adopt", &[Thing::ParkedConsent]),
    row("/api/latchkey/v1/connect-links/{id}", &[Thing::ConnectLink]),
    row("/api/latchkey/v1/token-links/{id}", &[Thing::TokenLink]),
    row("/api/latchkey/v1/pools/{id}", &[Thing::Pool]),
    Row { body: member, ..row("/api/latchkey/v1/pools/{id}/members", &[Thing::Pool]) },
    row("/api/latchkey/v1/pools/{id}/members/{credential}", &[Thing::Pool, Thing::Member]),
    row("/api/latchkey/v1/pools/{id}/seats", &[Thing::Pool]),
    row("/api/latchkey/v1/pools/{id}/seats/{seat}", &[Thing::Pool, Thing::Seat]),
    row("/api/latchkey/v1/api-keys/{id}", &[Thing::ApiKey]),
    // The operator sees every workspace; other callers cannot see whether one exists.
    Row { status: 403, ..row("/api/latchkey/v1/workspaces/{id}", &[Thing::Workspace]) },
    Row {
        body: |_| json!({ "description": "new" }),
        ..row("/api/latchkey/v1/webhook-endpoints/{id}", &[Thing::WebhookEndpoint])
    },
    row("/api/latchkey/v1/webhook-endpoints/{id}/rotate-secret", &[Thing::WebhookEndpoint]),
    row("/api/latchkey/v1/webhook-endpoints/{id}/test", &[Thing::WebhookEndpoint]),
    Row {
        body: |_| json!({ "since": "2020-01-01T00:00:00Z" }),
        ..row("/api/latchkey/v1/webhook-endpoints/{id}/replay", &[Thing::WebhookEndpoint])
    },
    row("/api/latchkey/v1/webhook-endpoints/{id}/deliveries", &[Thing::WebhookEndpoint]),
    row(
        "/api/latchkey/v1/webhook-endpoints/{id}/deliveries/{event}",
        &[Thing::WebhookEndpoint, Thing::Delivery],
    ),
    row(
        "/api/latchkey/v1/webhook-endpoints/{id}/deliveries/{event}/retry",
        &[Thing::WebhookEndpoint, Thing::Delivery],
    ),
    row("/api/latchkey/v1/bot/{id}/screenshots/{file}", &[Thing::Bot, Thing::Picture]),
];

/// Paths with variable parts that are not a caller's ids: a secret, or Zoom's own signature, authorizes there.
pub(crate) const WITHOUT_A_CALLER: &[&str] = &[
    "/api/v2/zoom-oauth-apps/{id}/webhook",
    "/api/v1/download/{artifact}",
    "/t/{address}",
    "/t/{address}/status",
    "/oauth/zoom/callback/{app}",
];

fn member(account: &str) -> Value {
    json!({ "credential": account, "max_joins": 9 })
}

/// Two workspaces in one app, each with an account.
struct World {
    app: TestApp,
    /// The key of the other workspace.
    stranger: String,
    owners_account: String,
    strangers_account: String,
    made: Cell<u32>,
}

impl World {
    async fn new() -> Self {
        let app = app().await;
        let stranger = app.another_workspace().await;
        let secret = "planted-secret-of-the-other-app";
        let redirect = app.address("/oauth/zoom/callback");
        let zoom_app = json!({ "client_id": "other", "client_secret": secret, "redirect_uris": [redirect] });
        app.zoom.control("POST", "apps", zoom_app).await;
        let zoom_app = json!({ "kind": "user_level", "client_id": "other", "client_secret": secret, "webhook_secret": "w" });
        let zoom_app = app.call_as(&stranger, "POST", "/api/v2/zoom-oauth-apps/", zoom_app).await.created();
        let owners_account = app.connect(&app.zoom.user("owner@example.test", "Owner").await).await;
        let person = app.zoom.user("stranger@example.test", "Stranger").await;
        app.zoom.control("PUT", "signed-in", json!({ "user_id": person["id"] })).await;
        let code = json!({ "code": app.zoom.code("other", &redirect).await, "redirect_uri": redirect });
        let asked = json!({ "oauth_app": zoom_app["id"], "authorization_code": code });
        let account =
            app.call_as(&stranger, "POST", "/api/v2/zoom-oauth-credentials/", asked).await.created();
        let strangers_account = account["id"].as_str().unwrap().to_owned();
        // The address to which the Marketplace sends a user who installs the owner's app.
        let redirects = json!({ "redirect_uris": [redirect, format!("{redirect}/{}", app.zoom_app)] });
        app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), redirects).await;
        Self { app, stranger, owners_account, strangers_account, made: Cell::new(0) }
    }

    fn number(&self) -> u32 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    /// Creates an object in the workspace of `key`. A dependent object is created in the last of `before`.
    async fn make(&self, key: &str, thing: Thing, before: &[String]) -> String {
        let (app, name) = (&self.app, format!("thing {}", self.number()));
        let post = async |path: &str, body: Value| {
            let made = app.call_as(key, "POST", path, body).await;
            made.created()["id"].as_str().unwrap().to_owned()
        };
        match thing {
            Thing::Bot => {
                post("/api/v1/bot/", json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await
            }
            Thing::Picture => app.picture_of(before.last().unwrap()).await,
            Thing::App => {
                let zoom_app = json!({ "kind": "user_level", "client_id": name.replace(' ', "-"), "client_secret": "s", "webhook_secret": "s" });
                post("/api/v2/zoom-oauth-apps/", zoom_app).await
            }
            Thing::Account => app.connect(&self.person().await).await,
            Thing::ParkedConsent => {
                let person = self.person().await;
                app.zoom.control("PUT", "signed-in", json!({ "user_id": person["id"] })).await;
                let redirect = app.address(&format!("/oauth/zoom/callback/{}", app.zoom_app));
                let code = app.zoom.code(CLIENT_ID, &redirect).await;
                // Installs have a rate limit.
                app.jump(std::time::Duration::from_secs(1));
                assert_eq!(app.finish_consent(&format!("{redirect}?code={code}"), "").await.status, 202);
                let parked = app.get("/api/latchkey/v1/parked-consents/").await.ok();
                parked["results"][0]["id"].as_str().unwrap().to_owned()
            }
            Thing::TokenLink => {
                post("/api/latchkey/v1/token-links/", json!({ "credential": self.owners_account })).await
            }
            Thing::Pool => post("/api/latchkey/v1/pools/", json!({ "name": name })).await,
            Thing::Member => {
                let members = format!("/api/latchkey/v1/pools/{}/members/", before.last().unwrap());
                app.call_as(key, "POST", &members, member(&self.owners_account)).await.ok();
                self.owners_account.clone()
            }
            Thing::Seat => {
                self.app
                    .post(
                        &format!("/api/latchkey/v1/pools/{}/members/", before.last().unwrap()),
                        member(&self.owners_account),
                    )
                    .await
                    .ok();
                let key = app.store.api_key(&tenants::digest(key)).await.unwrap().unwrap();
                let workspace = key.workspace;
                let request = PoolSeatRequest {
                    pool: before.last().unwrap().parse().unwrap(),
                    meeting: None,
                    holder: &name,
                    hosting: Hosting::Never,
                    until: app.env.now() + std::time::Duration::from_secs(60),
                };
                let seated = app.broker.pools.take_seat(workspace, &request).await.unwrap();
                seated.seat.to_string()
            }
            Thing::ConnectLink => {
                post("/api/latchkey/v1/connect-links/", json!({ "oauth_app": app.zoom_app })).await
            }
            Thing::ApiKey => {
                post("/api/latchkey/v1/api-keys/", json!({ "name": name, "scopes": ["read"] })).await
            }
            Thing::WebhookEndpoint => {
                // No address may be called here: nothing is sent.
                let endpoint = json!({ "url": "https://endpoint.invalid/", "enabled": false });
                post("/api/latchkey/v1/webhook-endpoints/", endpoint).await
            }
            Thing::Delivery => {
                let test = format!("/api/latchkey/v1/webhook-endpoints/{}/test/", before.last().unwrap());
                let sent = app.call_as(key, "POST", &test, Value::Null).await.ok();
                sent["event"].as_str().unwrap().to_owned()
            }
            Thing::Workspace => {
                let operator = app.key_with("operator").await;
                let made =
                    app.call_as(&operator, "POST", "/api/latchkey/v1/workspaces/", json!({ "name": name }));
                made.await.created()["id"].as_str().unwrap().to_owned()
            }
        }
    }

    async fn person(&self) -> Value {
        let number = self.number();
        self.app.zoom.user(&format!("person{number}@example.test"), "Somebody").await
    }

    async fn as_stranger(&self, method: &str, path: &str, body: Value) -> Answer {
        self.app.call_as(&self.stranger, method, path, body).await
    }
}

/// `path` with `ids` in it.
fn filled(path: &str, ids: &[String]) -> String {
    let mut ids = ids.iter();
    let parts = path.split('/').map(|part| if part.starts_with('{') { ids.next().unwrap() } else { part });
    parts.collect::<Vec<_>>().join("/") + "/"
}

/// Everything in an answer by which a caller could distinguish it from another.
#[derive(Debug, PartialEq)]
struct Whole<'a> {
    status: u16,
    headers: Vec<(&'a str, &'a [u8])>,
    body: &'a str,
}

fn whole(answer: &Answer) -> Whole<'_> {
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    // Each answer has its own value.
    let headers = headers.filter(|(name, _)| *name != "x-request-id").collect();
    Whole { status: answer.status, headers, body: &answer.text }
}

#[tokio::test]
async fn every_route_with_an_id_is_tested() {
    let variable = api::paths().into_iter().filter(|path| path.contains('{'));
    let swept: Vec<_> = ROWS.iter().map(|row| row.path).chain(WITHOUT_A_CALLER.iter().copied()).collect();
    let missing: Vec<_> = variable.clone().filter(|path| !swept.contains(&path.as_str())).collect();
    assert!(
        missing.is_empty(),
        "{missing:?} have ids in them and are not swept across tenants. Add for each a line to ROWS in tests/http/tenants.rs, \
         `row(\"<path>\", &[Thing::<what the id is of>]),`; a new kind of thing needs a variant of Thing and an arm in \
         World::make. A request that needs a body to come as far as the id says it with `Row {{ body: …, ..row(…) }}`. \
         A path without a Caller in its handler belongs into WITHOUT_A_CALLER."
    );
    let gone: Vec<_> = swept.iter().filter(|path| !variable.clone().any(|known| known == **path)).collect();
    assert!(gone.is_empty(), "the server has no such routes any more: {gone:?}");
}

#[tokio::test]
async fn another_workspaces_ids_answer_like_unknown_ones() {
    let world = World::new().await;
    let owner = world.app.api_key.clone();
    let mut requests = 0;
    for row in ROWS {
        let nobodys: Vec<String> = row.ids.iter().map(|_| UNKNOWN.to_owned()).collect();
        let mut methods = 0;
        for method in METHODS {
            let body = (row.body)(&world.strangers_account);
            let unknown = world.as_stranger(method, &filled(row.path, &nobodys), body.clone()).await;
            if unknown.status == 405 {
                continue;
            }
            methods += 1;
            requests += 1;
            let what = format!("{method} {}", row.path);
            assert_eq!(unknown.status, row.status, "{what} with an unknown id: {}", unknown.text);
            let mut ids = Vec::new();
            for thing in row.ids {
                ids.push(world.make(&owner, *thing, &ids).await);
            }
            let foreign = world.as_stranger(method, &filled(row.path, &ids), body.clone()).await;
            assert_eq!(whole(&foreign), whole(&unknown), "{what}: {} and {}", foreign.text, unknown.text);

            // With an outer id of the caller's own.
            if let [outer, _] = row.ids {
                let own = world.make(&world.stranger, *outer, &[]).await;
                let mixed = |id: &str| filled(row.path, &[own.clone(), id.to_owned()]);
                let foreign = world.as_stranger(method, &mixed(&ids[1]), body.clone()).await;
                let unknown = world.as_stranger(method, &mixed(UNKNOWN), body).await;
                assert_eq!(
                    (foreign.status, whole(&foreign)),
                    (row.status, whole(&unknown)),
                    "{what}, inside"
                );
            }

            // The same request succeeds when its owner sends it: otherwise this test would prove nothing.
            if row.status == 404 {
                let body = (row.body)(&world.owners_account);
                let found = world.app.call_as(&owner, method, &filled(row.path, &ids), body).await;
                assert!(![403, 404, 405].contains(&found.status), "{what}, as its owner: {}", found.text);
            }
        }
        assert!(methods > 0, "{} has no method", row.path);
    }
    println!("shown: {requests} requests on {} routes, each with another workspace's ids", ROWS.len());
}

/// Lists with a filter by id.
const FILTERS: &[(&str, &str, Thing)] = &[
    ("/api/v2/zoom-oauth-credentials/", "oauth_app", Thing::App),
    ("/api/v2/zoom-oauth-credential-logs/", "credential", Thing::Account),
    ("/api/v2/zoom-oauth-app-logs/", "oauth_app", Thing::App),
    ("/api/v2/zoom-meetings-to-credentials/", "credential", Thing::Account),
    ("/api/latchkey/v1/credential-events/", "credential", Thing::Account),
];

#[tokio::test]
async fn lists_filtered_by_another_workspaces_ids_are_as_empty_as_by_unknown_ones() {
    let world = World::new().await;
    let owner = world.app.api_key.clone();
    for (path, field, thing) in FILTERS {
        let id = match thing {
            // The app that has accounts and log lines.
            Thing::App => world.app.zoom_app.clone(),
            _ => world.make(&owner, *thing, &[]).await,
        };
        let foreign = world.as_stranger("GET", &format!("{path}?{field}={id}"), Value::Null).await;
        let unknown = world.as_stranger("GET", &format!("{path}?{field}={UNKNOWN}"), Value::Null).await;
        assert_eq!(whole(&foreign), whole(&unknown), "{path}?{field}=");
        assert_eq!(foreign.ok()["results"], json!([]), "{path}?{field}=");
    }
    // By Zoom's own ids, which are not secret. That a workspace here uses them is secret. All users have the same Zoom
    // account, so the other workspace is a third one without accounts.
    let third = world.app.another_workspace().await;
    let account = format!("/api/v2/zoom-oauth-credentials/{}/", world.owners_account);
    let account = world.app.get(&account).await.ok();
    let (accounts, apps) = ("/api/v2/zoom-oauth-credentials/", "/api/v2/zoom-oauth-apps/");
    for (path, field, id) in [
        (accounts, "user_id", account["user_id"].as_str().unwrap()),
        (accounts, "account_id", account["account_id"].as_str().unwrap()),
        (apps, "client_id", CLIENT_ID),
    ] {
        let of = |id: &str| format!("{path}?{field}={id}");
        assert!(!world.app.get(&of(id)).await.ok()["results"].as_array().unwrap().is_empty());
        let foreign = world.app.call_as(&third, "GET", &of(id), Value::Null).await;
        let unknown = world.app.call_as(&third, "GET", &of("nobody"), Value::Null).await;
        assert_eq!(whole(&foreign), whole(&unknown), "{path}?{field}=");
    }
}

/// Requests that refer to something by its id.
const BODIES: &[(&str, Thing, Asked)] = &[
    ("/api/v1/bot/", Thing::Account, |id| bot(&json!({ "credential": id }))),
    ("/api/v1/bot/", Thing::Pool, |id| bot(&json!({ "pool": id }))),
    ("/api/v1/bot/", Thing::Account, |id| bot(&json!({ "obf_credential": id }))),
    ("/api/v2/zoom-oauth-credentials/", Thing::App, |id| json!({ "oauth_app": id, "server_to_server": {} })),
    (
        "/api/v2/zoom-oauth-credentials/",
        Thing::App,
        |id| json!({ "oauth_app": id, "authorization_code": { "code": "c", "redirect_uri": "https://example.com" } }),
    ),
    ("/api/latchkey/v1/connect-links/", Thing::App, |id| json!({ "oauth_app": id })),
    ("/api/latchkey/v1/token-links/", Thing::Account, |id| json!({ "credential": id })),
    ("/api/latchkey/v1/token-links/", Thing::Account, |id| json!({ "accounts": [{ "credential": id }] })),
    ("/api/latchkey/v1/token-links/", Thing::Pool, |id| json!({ "pool": id })),
    ("/api/latchkey/v1/pools/", Thing::Account, |id| json!({ "name": "p", "members": [member(id)] })),
];

fn bot(zoom: &Value) -> Value {
    json!({ "meeting_url": "https://zoom.us/j/81234567890", "zoom": zoom })
}

#[tokio::test]
async fn requests_that_name_another_workspaces_ids_are_refused_like_unknown_ones() {
    let world = World::new().await;
    let owner = world.app.api_key.clone();
    for (path, thing, body) in BODIES {
        let id = world.make(&owner, *thing, &[]).await;
        let foreign = world.as_stranger("POST", path, body(&id)).await;
        let unknown = world.as_stranger("POST", path, body(UNKNOWN)).await;
        assert_eq!(unknown.status, 400, "{path} {thing:?}: {}", unknown.text);
        assert_eq!(whole(&foreign), whole(&unknown), "{path} {thing:?}: {}", foreign.text);
    }
}
