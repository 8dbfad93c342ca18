//! Bots: created, scheduled, cancelled, and their timeline.

use std::time::Duration;

use model::BotLogEntryId;
use serde_json::json;
use store::LogEntry;

use crate::signed_in::SignedIn;

#[tokio::test]
async fn a_bot_is_scheduled_found_and_cancelled() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let at = (browser.app.env.now() + Duration::from_secs(7200)).to_string();
    let asked = [
        ("meeting_url", "https://zoom.us/j/81234567890?pwd=planted-passcode"),
        ("bot_name", "Notes"),
        ("with", &*format!("account:{account}")),
        ("join_at", at.get(..16).unwrap()),
    ];
    let to = browser.done("/bots/new", &asked).await;
    let (path, _) = to.split_once('?').unwrap();
    let page = browser.page(path).await;
    assert!(
        page.contains("→ 812 3456 7890") && page.contains("Hana Host") && page.contains("Waiting"),
        "{page}"
    );
    assert!(!page.contains("planted-passcode"), "secrets are masked: {page}");
    for (filter, is_there) in [
        ("status=ready", true),
        ("status=fatal", false),
        (&*format!("account={account}"), true),
        ("account=01990000-0000-7000-8000-000000000000", false),
        ("sub_code=meeting_full", false),
    ] {
        let list = browser.page(&format!("/bots?{filter}")).await;
        assert_eq!(list.contains(">Notes</a>"), is_there, "{filter}");
    }
    assert_eq!(browser.done(&format!("{path}/cancel"), &[]).await, "/bots?said=cancelled");
    assert_eq!(browser.get(path).await.status, 404);
}

#[tokio::test]
async fn a_failed_bot_shows_what_to_do_and_is_sent_again_with_an_account() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890?pwd=abc", "bot_name": "Notes", "metadata": { "customer": "42" } });
    let bot = browser.app.post("/api/v1/bot/", bot).await.created()["id"].as_str().unwrap().to_owned();
    // As if a server had run it.
    browser.app.in_the_store("UPDATE bots SET status = 'fatal', sub_code = 'meeting_requires_sign_in'").await;
    browser.app.in_the_store(
        "INSERT INTO bot_steps (bot, step, code, sub_code, message, created_at) SELECT id, 1, 'fatal', 'meeting_requires_sign_in', 'Zoom said: <b>no</b>', created_at + 874000 FROM bots",
    ).await;
    let page = browser.page(&format!("/bots/{bot}")).await;
    assert!(
        page.contains("Connect a Zoom account and pass") && page.contains("Your turn"),
        "the cure: {page}"
    );
    assert!(page.contains("0.874") && page.contains("&lt;b&gt;no&lt;/b&gt;"), "{page}");
    assert!(browser.page("/bots?sub_code=meeting_requires_sign_in").await.contains(">Notes</a>"));
    let home = browser.page("/").await;
    assert!(
        home.contains("Meeting requires sign in") && home.contains("sub_code=meeting_requires_sign_in"),
        "{home}"
    );
    let to = browser.done(&format!("/bots/{bot}/again"), &[("with", &format!("account:{account}"))]).await;
    let (path, _) = to.split_once('?').unwrap();
    let new = browser.app.get(&format!("/api/v1{}/", path.replace("/bots/", "/bot/"))).await.ok();
    assert_eq!(new["zoom"]["credential"], account.as_str());
    assert_eq!(
        (&new["metadata"]["customer"], &new["meeting_url"]["meeting_password"]),
        (&json!("42"), &json!("abc"))
    );
}

#[tokio::test]
async fn a_bot_that_is_sent_again_has_the_request_of_the_first_one() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let asked = json!({
        "meeting_url": "https://zoom.us/j/81234567890?pwd=abc", "bot_name": "Notes",
        "metadata": { "customer": "42" },
        "chat": { "on_bot_join": { "send_to": "everyone", "message": "Hello" } },
        "recording_config": {
            "transcript": { "provider": { "meeting_captions": {} } },
            "realtime_endpoints": [{
                "type": "webhook", "url": "https://hooks.example.com/live?key=planted", "events": ["transcript.data"],
            }],
        },
        "automatic_leave": { "waiting_room_timeout": 77, "everyone_left_timeout": { "timeout": 5 } },
        "zoom": { "user_email": "notes@example.com" },
        "webex": { "something": "else" },
    });
    let bot =
        browser.app.post("/api/v1/bot/?strict=0", asked).await.created()["id"].as_str().unwrap().to_owned();
    browser.app.in_the_store("UPDATE bots SET status = 'fatal', sub_code = 'meeting_requires_sign_in'").await;
    browser.app.in_the_store(
        "INSERT INTO bot_steps (bot, step, code, sub_code, message, created_at) SELECT id, 1, 'fatal', 'meeting_requires_sign_in', NULL, created_at + 874000 FROM bots",
    ).await;
    let page = browser.page(&format!("/bots/{bot}")).await;
    assert!(
        page.contains("The request, as it was accepted") && page.contains("waiting_room_timeout"),
        "{page}"
    );
    assert!(page.contains("Without effect here: webex.") && !page.contains("planted"), "{page}");

    let again = format!("/bots/{bot}/again");
    let typed = [("with", "account:x"), ("typed", "nobody & kept")];
    let refused = browser.post(&again, &typed).await;
    assert_eq!(refused.status, 400);
    for kept in [
        "value=\"nobody &#38; kept\"",
        "aria-describedby=\"wrong-typed\"",
        "There is no account with this id",
    ] {
        assert!(refused.text.contains(kept), "{kept}: {}", refused.text);
    }

    let to = browser.done(&again, &[("with", &format!("account:{account}"))]).await;
    let (path, _) = to.split_once('?').unwrap();
    let shown = async |id: &str| browser.app.get(&format!("/api/v1/bot/{id}/")).await.ok();
    let (old, new) = (shown(&bot).await, shown(path.trim_start_matches("/bots/")).await);
    assert_eq!(new["zoom"]["credential"], account.as_str());
    assert_eq!(new["zoom"]["user_email"], "notes@example.com");
    let changed = ["id", "zoom", "status_changes"];
    for (name, value) in old.as_object().unwrap().iter().filter(|(name, _)| !changed.contains(&name.as_str()))
    {
        assert_eq!(new[name], *value, "{name}");
    }
}

#[tokio::test]
async fn a_bots_log_names_the_accounts_links_and_pools_that_it_is_about() {
    let browser = SignedIn::new().await;
    let app = &browser.app;
    let account = app.connect(app.zoom.host()).await;
    let link = json!({ "credential": account, "name": "Link <of> the night" });
    let link = app.post("/api/latchkey/v1/token-links/", link).await.created();
    let pool = app.post("/api/latchkey/v1/pools/", json!({ "name": "note takers" })).await.created();
    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890?pwd=abc", "bot_name": "Notes", "zoom": { "pool": pool["id"] } });
    let bot = app.post("/api/v1/bot/", bot).await;
    // A pool without accounts is refused; then the bot joins as a guest.
    let bot = if bot.status == 201 {
        bot.created()
    } else {
        let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890?pwd=abc", "bot_name": "Notes" });
        app.post("/api/v1/bot/", bot).await.created()
    };
    let bot = bot["id"].as_str().unwrap();
    let (link, pool) = (link["id"].as_str().unwrap(), pool["id"].as_str().unwrap());
    let gone = "01990000-0000-7000-8000-000000000000";
    let text = format!("A seat of {pool} on the account {account}, by {link}; {gone} is gone.");
    let entry = LogEntry {
        id: BotLogEntryId::generate(&app.env),
        at: app.env.now(),
        kind: "seat".into(),
        text,
        fields: std::collections::BTreeMap::new(),
    };
    app.store.append_bot_log(bot.parse().unwrap(), &[entry]).await.unwrap();
    let page = browser.page(&format!("/bots/{bot}")).await;
    for (path, name, id) in [
        ("accounts", "Hana Host", account.as_str()),
        ("token-links", "Link &lt;of&gt; the night", link),
        ("pools", "note takers", pool),
    ] {
        let shown = format!("<a href=\"/base/{path}/{id}\">{name}</a> <code class=\"id\" title=\"{id}\"");
        assert!(page.contains(&shown), "{shown} in {page}");
    }
    assert!(page.contains(&format!("</code>; {gone} is gone.")), "{page}");
}
