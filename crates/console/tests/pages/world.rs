//! A workspace after a day of use: accounts, one of them dead, a pool, links, endpoints, and bots, one of which really ran.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::test_app::TestApp;

/// Bots that are backdated, as if they had run at some time in the last day.
const OF_THE_DAY: usize = 48;
/// Sets their outcomes: some fail. They are recognized by their join time, which is far in the future.
const BACKDATE: [&str; 5] = [
    "UPDATE bots SET created_at = created_at - (rowid * 7919 % 22) * 3600000000 - (rowid * 104729 % 3000) * 1000000,
         status = CASE WHEN rowid % 7 = 3 THEN 'fatal' ELSE 'done' END
     WHERE status = 'ready' AND join_at > created_at + 50 * 3600000000",
    "UPDATE bots SET join_at = NULL WHERE status IN ('done', 'fatal') AND join_at IS NOT NULL",
    "UPDATE bot_steps SET created_at = (SELECT b.created_at FROM bots b WHERE b.id = bot)
     WHERE step = 0 AND NOT EXISTS (SELECT 1 FROM bot_steps s WHERE s.bot = bot_steps.bot AND s.step = 1)
         AND EXISTS (SELECT 1 FROM bots b WHERE b.id = bot AND b.status IN ('done', 'fatal'))",
    "INSERT INTO bot_steps (bot, step, code, sub_code, message, created_at)
     SELECT id, 1, 'joining_call', NULL, NULL, created_at + 30000 FROM bots
     WHERE status IN ('done', 'fatal') AND NOT EXISTS (SELECT 1 FROM bot_steps s WHERE s.bot = id AND s.step = 1)",
    "INSERT INTO bot_steps (bot, step, code, sub_code, message, created_at)
     SELECT b.id, n.step,
         CASE WHEN b.status = 'fatal' THEN 'fatal' WHEN n.step = 2 THEN 'in_call_not_recording' WHEN n.step = 3 THEN 'call_ended' ELSE 'done' END,
         CASE WHEN b.status = 'fatal' THEN CASE b.rowid % 3 WHEN 0 THEN 'meeting_requires_sign_in' WHEN 1 THEN 'timeout_exceeded_waiting_room' ELSE 'meeting_password_incorrect' END
              WHEN n.step = 3 THEN CASE b.rowid % 2 WHEN 0 THEN 'call_ended_by_host' ELSE 'bot_received_leave_call' END END,
         NULL, b.created_at + CASE n.step WHEN 2 THEN 700000 + b.rowid * 7919 % 1900000 WHEN 3 THEN 2400000000 ELSE 2400100000 END
     FROM bots b JOIN (SELECT 2 AS step UNION SELECT 3 UNION SELECT 4) n ON n.step = 2 OR b.status = 'done'
     WHERE b.status IN ('done', 'fatal') AND NOT EXISTS (SELECT 1 FROM bot_steps s WHERE s.bot = b.id AND s.step = 2)",
];

/// The ids of objects with a page of their own.
pub(crate) struct World {
    pages: Vec<(&'static str, String)>,
}

fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

/// A server that accepts events, and refuses those below `/down`.
async fn listener() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = async |request: Request<Body>| {
        if request.uri().path().starts_with("/down") {
            return (StatusCode::INTERNAL_SERVER_ERROR, "{\"error\":\"the queue is full\"}");
        }
        (StatusCode::OK, "ok")
    };
    #[expect(clippy::disallowed_methods, reason = "somebody else's server")]
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
    format!("http://{address}")
}

impl World {
    pub(crate) async fn fill(app: &TestApp) -> Self {
        let zoom = &app.zoom;
        let webhook = format!("/api/v2/zoom-oauth-apps/{}/webhook", app.zoom_app);
        let webhook = json!({ "url": app.address(&webhook), "secret_token": "planted-webhook-secret" });
        zoom.control("PUT", &format!("apps/{}/webhook", crate::test_app::CLIENT_ID), webhook).await;
        let mut accounts = Vec::new();
        let mut users = Vec::new();
        for (email, name) in [
            ("notes-eu@northwind.example", "Northwind Notes EU"),
            ("notes-us@northwind.example", "Northwind Notes US"),
            ("priya@northwind.example", "Priya Raman"),
            ("kim.lee@northwind.example", "Kim Lee"),
            ("gone@northwind.example", "Old recorder"),
        ] {
            let user = zoom.user(email, name).await;
            accounts.push(app.connect(&user).await);
            users.push(user);
        }
        let [eu, us, priya, kim, gone] = &accounts[..] else { unreachable!() };
        app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{gone}/"), Body::empty()).await;
        let endpoint = listener().await;
        let events = json!({ "url": format!("{endpoint}/hooks/latchkey"), "description": "Notes service" });
        let events = id_of(&app.post("/api/latchkey/v1/webhook-endpoints/", events).await.created());
        let down = json!({ "url": format!("{endpoint}/down/a/rather/long/path/that/goes/on"), "description": "Staging" });
        let down = id_of(&app.post("/api/latchkey/v1/webhook-endpoints/", down).await.created());
        let slack = json!({ "kind": "slack", "url": format!("{endpoint}/hooks/T0/B0/planted9Key8Of7A6Channel5"), "description": "#bots" });
        let slack = id_of(&app.post("/api/latchkey/v1/webhook-endpoints/", slack).await.created());

        let pool = |name: &str, members: &[(&String, u32)]| {
            let members: Vec<_> = members
                .iter()
                .map(|(account, most)| json!({ "credential": account, "max_joins": most }))
                .collect();
            json!({ "name": name, "members": members })
        };
        let pools = "/api/latchkey/v1/pools/";
        let takers = id_of(&app.post(pools, pool("note takers", &[(eu, 6), (us, 6)])).await.created());
        app.post(pools, pool("webinars", &[(priya, 2), (kim, 2)])).await.created();
        let link = |name: &str, account: &String| json!({ "credential": account, "name": name, "dialect": "meeting_baas" });
        let links = "/api/latchkey/v1/token-links/";
        let production = app.post(links, link("Meeting BaaS, production", eu)).await.created();
        app.post(links, json!({ "pool": takers, "name": "Recall, production" })).await.created();
        let nightly = app.post(links, link("Nightly job", kim)).await.created();
        app.post(
            "/api/latchkey/v1/api-keys/",
            json!({ "name": "calendar service", "scopes": ["read", "bots"] }),
        )
        .await;
        let invited = json!({ "oauth_app": app.zoom_app, "invited_by": "Northwind meetings", "purpose": "Notes of our meetings" });
        app.post("/api/latchkey/v1/connect-links/", invited).await.created();

        let tomorrow = app.env.now() + Duration::from_secs(20 * 3600);
        let review = json!({ "meeting_url": "https://zoom.us/j/81234567890?pwd=abc", "bot_name": "Quarterly review", "join_at": tomorrow, "zoom": { "credential": kim } });
        app.post("/api/v1/bot/", review).await.created();
        // Kim removes the app at Zoom, which notifies this server.
        let removal =
            format!("users/{}/apps/{}", users[3]["id"].as_str().unwrap(), crate::test_app::CLIENT_ID);
        for _ in 0..3 {
            app.get(&app.path_of(production["url"].as_str().unwrap())).await;
        }
        zoom.control("DELETE", &removal, Value::Null).await;
        app.wait_for("Kim's account has ended", async || {
            let kim = app.get(&format!("/api/v2/zoom-oauth-credentials/{kim}/")).await.ok();
            (kim["status"] == "unhealthy").then_some(())
        })
        .await;
        app.get(&app.path_of(nightly["url"].as_str().unwrap())).await;

        let meeting = zoom.meeting(json!({ "sign_in": "any", "webrtc_video": true })).await;
        let names = ["Notes", "Board notes", "Sales call", "Interview", "Stand-up", "Support call"];
        let far = app.env.now() + Duration::from_secs(90 * 3600);
        for number in 0..OF_THE_DAY {
            let account = [eu, us, priya][number % 3];
            let bot = json!({ "meeting_url": meeting.url, "bot_name": names[number % names.len()], "join_at": far, "zoom": { "credential": account } });
            app.post("/api/v1/bot/", bot).await.created();
        }
        for statement in BACKDATE {
            app.in_the_store(statement).await;
        }
        let soon = app.env.now() + Duration::from_secs(7200);
        let bot = json!({ "meeting_url": meeting.url, "bot_name": "Board meeting", "join_at": soon, "zoom": { "credential": priya } });
        app.post("/api/v1/bot/", bot).await.created();
        let script = include_str!("../../src/pages/meeting.toml");
        zoom.play(&meeting.number, script).await;
        let guest = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Notes, as a guest" })).await;
        let notes = json!({
            "meeting_url": meeting.url, "bot_name": "Notes", "zoom": { "pool": takers },
            "recording_config": { "transcript": { "provider": { "meeting_captions": {} } } },
            "chat": { "on_bot_join": { "send_to": "everyone", "message": "Hello, I take the notes." } },
            "metadata": { "customer": "northwind" },
        });
        let notes = app.bot(notes).await;
        app.until(&guest, "fatal").await;
        app.until(&notes, "in_call_not_recording").await;
        app.drawn(&notes).await;
        app.wait_for("the last caption is kept", async || {
            let path = format!("/api/latchkey/v1/bot/{notes}/meeting-events/");
            app.get(&path).await.text.contains("numbers of last week").then_some(())
        })
        .await;
        let bots = app.get("/api/v1/bot/?status=ready").await.ok();
        let waiting = id_of(&bots["results"][0]);
        let done = app.get("/api/v1/bot/?status=done").await.ok();
        let done = id_of(&done["results"][0]);
        Self {
            pages: vec![
                ("account", format!("/accounts/{eu}")),
                ("account-dead", format!("/accounts/{kim}")),
                ("account-disconnect", format!("/accounts/{eu}/disconnect")),
                ("accounts-disconnected", "/accounts?status=disconnected".into()),
                ("bot", format!("/bots/{notes}")),
                ("bot-all-lines", format!("/bots/{notes}?log=all")),
                ("bot-refused", format!("/bots/{guest}")),
                ("bot-waiting", format!("/bots/{waiting}")),
                ("bot-done", format!("/bots/{done}")),
                ("bots-failed", "/bots?status=fatal".into()),
                ("bots-none", "/bots?sub_code=meeting_full".into()),
                ("token-link", format!("/token-links/{}", id_of(&production))),
                ("token-link-refused", format!("/token-links/{}", id_of(&nightly))),
                ("pool", format!("/pools/{takers}")),
                ("endpoint", format!("/events/{events}")),
                ("endpoint-slack", format!("/events/{slack}")),
                ("endpoint-failing", format!("/events/{down}")),
                ("find-notes", "/find?q=note".into()),
                ("bot-missing", "/bots/01990000-0000-7000-8000-000000000000".into()),
            ],
        }
    }

    /// Adds an account, a pool, a link and a bot with the longest possible names. Returns the account's page.
    pub(crate) async fn add_long_names(app: &TestApp) -> String {
        let long = "A name that is as long as names of people and of rooms can be, WithoutAnySpaceInItsSecondHalfWhichMustBreak";
        let short = long.get(..90).unwrap();
        let account = app.connect(&app.zoom.user("long@northwind.example", long).await).await;
        let pool = json!({ "name": short, "members": [{ "credential": account, "max_joins": 2 }] });
        app.post("/api/latchkey/v1/pools/", pool).await.created();
        let link = json!({ "credential": account, "name": long });
        app.post("/api/latchkey/v1/token-links/", link).await.created();
        let soon = app.env.now() + Duration::from_secs(7200);
        let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890?pwd=abc", "bot_name": short, "join_at": soon, "zoom": { "credential": account } });
        app.post("/api/v1/bot/", bot).await.created();
        format!("/accounts/{account}")
    }

    /// Each page with its name.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (String, String)> {
        self.pages.iter().map(|(name, path)| ((*name).to_owned(), path.clone()))
    }
}
