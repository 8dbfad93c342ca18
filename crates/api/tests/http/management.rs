//! Management of apps and accounts: paged lists, deleting and registering apps again, a second authorization.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::{
    PLAN, app,
    test_app::{Answer, CLIENT_ID, CLIENT_SECRET, Plan, TestApp},
    webhook::told,
};

const APPS: &str = "/api/v2/zoom-oauth-apps/";
const ACCOUNTS: &str = "/api/v2/zoom-oauth-credentials/";
const SETTINGS: &str = "/api/latchkey/v1/settings/";
const REDIRECT: &str = "https://latchkey.test/base/oauth/zoom/callback";
const NOBODY: &str = "01900000-0000-7000-8000-000000000000";

fn zoom_app(client_id: &str) -> Value {
    json!({ "kind": "user_level", "client_id": client_id, "client_secret": "planted-other",
            "webhook_secret": "planted-other-webhook" })
}

async fn send(app: &TestApp, method: &str, path: &str, body: Value) -> Answer {
    let request = app.request(method, path).header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn delete(app: &TestApp, path: &str) -> Answer {
    app.call("DELETE", path, Body::empty()).await
}

/// An authorization with a code that the caller obtained.
async fn by_code(app: &TestApp) -> Value {
    let code = app.zoom.code(CLIENT_ID, REDIRECT).await;
    json!({ "oauth_app": app.zoom_app, "authorization_code": { "code": code, "redirect_uri": REDIRECT } })
}

fn ids(page: &Value) -> Vec<String> {
    page["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn cursor(link: &Value) -> String {
    link.as_str().unwrap().split("cursor=").nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_list_is_followed_both_ways_by_its_links() {
    let app = app().await;
    for number in 0..210 {
        // Some have the same time: their ids order them.
        if number % 3 == 0 {
            app.tick();
        }
        app.post(APPS, zoom_app(&format!("client-{number}"))).await.created();
    }
    for ordering in ["", "?ordering=-created_at", "?ordering=created_at"] {
        let (mut path, mut pages) = (format!("{APPS}{ordering}"), Vec::new());
        loop {
            let page = app.get(&path).await.ok();
            let next = page["next"].clone();
            pages.push(page);
            let Some(next) = next.as_str() else { break };
            path = app.path_of(next);
        }
        let sizes: Vec<_> = pages.iter().map(|page| ids(page).len()).collect();
        assert_eq!(sizes, [100, 100, 11]);
        assert_eq!(pages[0]["previous"], Value::Null);
        let back = app.get(&app.path_of(pages[2]["previous"].as_str().unwrap())).await.ok();
        assert_eq!(ids(&back), ids(&pages[1]));
        let first = app.get(&app.path_of(back["previous"].as_str().unwrap())).await.ok();
        assert_eq!((ids(&first), &first["previous"]), (ids(&pages[0]), &Value::Null));
        let again = app.get(&app.path_of(first["next"].as_str().unwrap())).await.ok();
        assert_eq!(ids(&again), ids(&pages[1]));

        let mut all: Vec<_> = pages.iter().flat_map(ids).collect();
        let sorted = pages.iter().flat_map(|page| page["results"].as_array().unwrap());
        let times: Vec<_> = sorted.map(|row| row["created_at"].as_str().unwrap().to_owned()).collect();
        let upwards = ordering == "?ordering=created_at";
        assert!(if upwards { times.is_sorted() } else { times.is_sorted_by(|a, b| a >= b) });
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 211, "each app once");
    }

    // New rows do not move the pages.
    let first = app.get(APPS).await.ok();
    app.tick();
    app.post(APPS, zoom_app("late")).await.created();
    let second = app.get(&app.path_of(first["next"].as_str().unwrap())).await.ok();
    assert!(ids(&second).iter().all(|id| !ids(&first).contains(id)));

    let good = cursor(&first["next"]);
    let shortened = &good[..good.len() - 2];
    for query in [
        "cursor=x".to_owned(),
        "cursor=LWNyZWF0ZWRfYXQ".to_owned(),
        format!("cursor={good}AA"),
        format!("cursor={good}%3D"),
        format!("cursor={shortened}"),
        format!("cursor={good}&ordering=created_at"),
    ] {
        let wrong = app.get(&format!("{APPS}?{query}")).await;
        assert_eq!((wrong.status, &*wrong.text), (404, r#"{"detail":"Invalid page."}"#), "{query}");
    }
}

#[tokio::test]
async fn lists_are_filtered_and_refuse_unknown_filters() {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    app.tick();
    let now = app.env.now();
    app.tick();
    let later = app.post(APPS, zoom_app("later")).await.created()["id"].as_str().unwrap().to_owned();
    let first = app.zoom_app.clone();
    let (zoom_user, zoom_account) = (app.zoom.host()["id"].clone(), app.zoom.host()["account_id"].clone());
    for (path, found) in [
        (format!("{APPS}?created_at_after={now}"), vec![&later]),
        (format!("{APPS}?created_at_before={now}&ordering=created_at"), vec![&first]),
        (format!("{APPS}?kind=user_level&client_id={CLIENT_ID}"), vec![&first]),
        (format!("{APPS}?kind=account_level"), vec![]),
        (format!("{APPS}?webhook_last_validation_after=2020-01-01"), vec![]),
        (format!("{APPS}?webhook_last_validation_before=2120-01-01"), vec![]),
        (format!("{ACCOUNTS}?oauth_app={first}&status=healthy"), vec![&account]),
        (format!("{ACCOUNTS}?oauth_app={NOBODY}"), vec![]),
        (format!("{ACCOUNTS}?oauth_app={later}"), vec![]),
        (format!("{ACCOUNTS}?user_id={}", zoom_user.as_str().unwrap()), vec![&account]),
        (format!("{ACCOUNTS}?account_id={}", zoom_account.as_str().unwrap()), vec![&account]),
        (format!("{ACCOUNTS}?account_id=other"), vec![]),
        (format!("{ACCOUNTS}?meeting_sync_status=not_started"), vec![&account]),
        (format!("{ACCOUNTS}?meeting_sync_status=completed"), vec![]),
        (format!("{ACCOUNTS}?created_at_after={now}"), vec![]),
        (format!("{ACCOUNTS}?created_at_before=2120-01-01 00:00:00").replace(' ', "%20"), vec![&account]),
    ] {
        let page = app.get(&path).await.ok();
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), found, "{path}");
        assert_eq!((&page["next"], &page["previous"]), (&Value::Null, &Value::Null));
    }
    let kinds = "It must be user_level, account_level or server_to_server.";
    let date = "It must be a date, or a time in ISO 8601.";
    for (path, complaints) in [
        (format!("{APPS}?kind=server"), json!({ "kind": [kinds] })),
        (format!("{APPS}?created_at_after=soon"), json!({ "created_at_after": [date] })),
        (
            format!("{APPS}?ordering=client_id"),
            json!({ "ordering": ["It must be created_at or -created_at."] }),
        ),
        (format!("{ACCOUNTS}?oauth_app=x"), json!({ "oauth_app": ["It must be an id."] })),
        (format!("{ACCOUNTS}?oauth_app="), json!({ "oauth_app": ["It must be an id."] })),
        (
            format!("{ACCOUNTS}?status=ill"),
            json!({ "status": ["It must be healthy, unhealthy or disconnected."] }),
        ),
        (
            format!("{ACCOUNTS}?meeting_sync_status=x"),
            json!({ "meeting_sync_status": ["It must be not_started, in_progress, completed or failed."] }),
        ),
    ] {
        assert_eq!(app.get(&path).await.refused(), complaints, "{path}");
    }
}

#[tokio::test]
async fn logs_are_paged_and_filtered_in_the_same_way() {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let now = app.env.now();
    for _ in 0..104 {
        app.tick();
        let path = format!("{ACCOUNTS}{account}/validate/");
        assert_eq!(app.call("POST", &path, Body::empty()).await.status, 200);
    }
    let logs = format!("/api/v2/zoom-oauth-credential-logs/?credential={account}");
    let first = app.get(&logs).await.ok();
    let last = app.get(&app.path_of(first["next"].as_str().unwrap())).await.ok();
    let lines = |page: &Value| page["results"].as_array().unwrap().clone();
    assert_eq!((lines(&first).len(), lines(&last).len()), (100, 5));
    let connected = json!({ "credential": account, "message": "connected", "created_at": now });
    assert_eq!(lines(&last)[4], connected);
    let back = app.get(&app.path_of(last["previous"].as_str().unwrap())).await.ok();
    assert_eq!(lines(&back), lines(&first));
    let oldest = app.get(&format!("{logs}&ordering=created_at")).await.ok();
    assert_eq!(lines(&oldest)[0], connected);
    let after = app.get(&format!("{logs}&created_at_after={now}&ordering=created_at")).await.ok();
    assert_eq!(lines(&after)[0], lines(&oldest)[1]);
    let before = app.get(&format!("{logs}&created_at_before={now}")).await.ok();
    assert_eq!(lines(&before), Vec::<Value>::new());
    assert_eq!(lines(&app.get("/api/v2/zoom-oauth-app-logs/").await.ok()), Vec::<Value>::new());
    let nobodys = format!("/api/v2/zoom-oauth-app-logs/?oauth_app={NOBODY}");
    assert_eq!(lines(&app.get(&nobodys).await.ok()), Vec::<Value>::new());
}

#[tokio::test]
async fn an_app_without_accounts_can_be_deleted_and_registered_again() {
    let app = app().await;
    let ada = app.zoom.user("ada@example.test", "Ada Lovelace").await;
    let (kept, ended) = (app.connect(app.zoom.host()).await, app.connect(&ada).await);
    let path = format!("{APPS}{}/", app.zoom_app);
    let in_use = json!({ "code": "app_in_use",
                         "detail": "Accounts are connected with this app; delete them first." });
    let refused = delete(&app, &path).await;
    assert_eq!((refused.status, refused.json()), (409, in_use.clone()));

    let user = format!("users/{}", ada["id"].as_str().unwrap());
    app.zoom.control("PATCH", &user, json!({ "active": false })).await;
    app.jump(std::time::Duration::from_secs(3600));
    assert_eq!(app.call("POST", &format!("{ACCOUNTS}{ended}/validate/"), Body::empty()).await.status, 200);
    assert_eq!(delete(&app, &path).await.json(), in_use, "an account that needs a person still counts");
    for account in [&kept, &ended] {
        assert_eq!(delete(&app, &format!("{ACCOUNTS}{account}/")).await.status, 204);
    }
    let invitation = app.invitation().await;
    assert_eq!(delete(&app, path.trim_end_matches('/')).await.status, 204);

    let gone = r#"{"detail":"Not found."}"#;
    for (method, path) in [("GET", &path), ("DELETE", &path), ("PATCH", &path)] {
        let answer = send(&app, method, path, json!({})).await;
        assert_eq!((answer.status, &*answer.text), (404, gone), "{method}");
    }
    assert_eq!(app.get(APPS).await.ok()["results"], json!([]));
    assert_ne!(app.get(&invitation).await.status, 303, "its invitations have ended");
    let refused =
        app.post("/api/latchkey/v1/connect-links/", json!({ "oauth_app": app.zoom_app })).await.refused();
    assert_eq!(refused, json!({ "oauth_app": ["This workspace has no such app."] }));
    let log = app.get(&format!("/api/v2/zoom-oauth-app-logs/?oauth_app={}", app.zoom_app)).await.ok();
    assert_eq!(log["results"][0]["message"], "removed");
    for secret in ["planted-client-secret", "planted-webhook-secret"] {
        let bytes = app.bytes_of_the_store();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }

    let again = json!({ "kind": "user_level", "client_id": CLIENT_ID, "client_secret": "planted-client-secret",
                        "webhook_secret": "planted-webhook-secret" });
    let again = app.post(APPS, again).await.created();
    assert_eq!((&again["id"], &again["created_at"]), (&json!(app.zoom_app), &json!(app.env.now())));
    assert_eq!(app.connect(app.zoom.host()).await, kept, "and so do its accounts");
}

#[tokio::test]
async fn an_app_is_checked_at_zoom() {
    let app = app().await;
    let check = async |id: &Value| {
        let path = format!("/api/latchkey/v1/zoom-oauth-apps/{}/check/", id.as_str().unwrap());
        app.call("POST", &path, Body::empty()).await
    };
    let names = async |id: &Value| -> Vec<String> {
        let said = check(id).await.ok();
        assert_eq!(said["redirect_url"], REDIRECT);
        let findings = said["findings"].as_array().unwrap();
        assert_eq!(said["is_well"], findings.is_empty());
        findings.iter().map(|finding| finding["name"].as_str().unwrap().to_owned()).collect()
    };
    let known = json!(app.zoom_app);
    assert_eq!(names(&known).await, [""; 0]);
    let at_zoom = format!("apps/{CLIENT_ID}");
    let other = json!({ "redirect_uris": ["https://other.test/callback"] });
    app.zoom.control("PATCH", &at_zoom, other).await;
    assert_eq!(names(&known).await, ["app_redirect"]);
    let back = json!({ "redirect_uris": [REDIRECT], "client_secret": "another" });
    app.zoom.control("PATCH", &at_zoom, back).await;
    assert_eq!(names(&known).await, ["app_secret"]);
    assert_eq!(check(&json!(NOBODY)).await.status, 404);
}

#[tokio::test]
async fn an_account_that_zoom_ended_does_not_block_deleting_its_app() {
    let app = told("webhook").await;
    let id = app.connect(app.zoom.host()).await;
    let user = format!("users/{}", app.zoom.host()["id"].as_str().unwrap());
    app.zoom.control("PATCH", &user, json!({ "active": false })).await;
    let shown = format!("{ACCOUNTS}{id}/");
    let ended = async || {
        let account = app.get(&shown).await.ok();
        (account["latchkey_status"] == "disconnected:user_deactivated").then_some(())
    };
    app.wait_for("Zoom has ended the account", ended).await;
    assert_eq!(delete(&app, &format!("{APPS}{}/", app.zoom_app)).await.status, 204);
    assert_eq!(app.get(&shown).await.status, 404, "it was deleted with its app");
    let tombstones = app.get(&format!("{ACCOUNTS}?status=disconnected")).await.ok();
    assert_eq!(tombstones["results"][0]["latchkey_status"], "disconnected:asked");
}

#[tokio::test]
async fn another_workspaces_app_is_not_deleted() {
    let app = app().await;
    let key = format!("Token {}", app.another_workspace().await);
    let foreign = Request::delete(format!("{APPS}{}/", app.zoom_app)).header(header::AUTHORIZATION, key);
    let foreign = app.send(foreign.body(Body::empty()).unwrap()).await;
    let unknown = delete(&app, &format!("{APPS}{NOBODY}/")).await;
    assert_eq!((foreign.status, &foreign.text), (404, &unknown.text));
    app.get(&format!("{APPS}{}/", app.zoom_app)).await.ok();
}

#[tokio::test]
async fn a_second_authorization_replaces_the_grant_unless_the_workspace_chose_conflict() {
    let app = app().await;
    app.zoom.control("PUT", "signed-in", json!({ "user_id": app.zoom.host()["id"] })).await;
    let first = app.post(ACCOUNTS, by_code(&app).await).await.created();
    app.tick();
    let second = app.post(ACCOUNTS, by_code(&app).await).await.created();
    let mut expected = first.clone();
    for changed in ["latchkey_refresh_at", "latchkey_used_at"] {
        expected[changed] = second[changed].clone();
    }
    assert_eq!(second, expected, "the same account, and healthy");
    let settings = |choice: &str| json!({ "second_authorization": choice, "ignored_fields": "name" });
    assert_eq!(app.get(SETTINGS).await.ok(), settings("replace"));
    let wrong = send(&app, "PATCH", SETTINGS, json!({ "second_authorization": "maybe" })).await.refused();
    assert_eq!(wrong, json!({ "second_authorization": ["It must be replace or conflict."] }));
    let choice = json!({ "second_authorization": "conflict" });
    assert_eq!(send(&app, "PATCH", SETTINGS, choice).await.ok(), settings("conflict"));
    assert_eq!(app.get(SETTINGS).await.ok(), settings("conflict"));

    let refused = app.post(ACCOUNTS, by_code(&app).await).await.refused();
    assert_eq!(
        refused,
        json!({
            "detail": "This Zoom user is connected with this app already; delete that account first.",
            "conflicting_zoom_account_id": app.zoom.host()["account_id"],
            "conflicting_zoom_user_id": app.zoom.host()["id"],
        })
    );
    // Zoom has ended the previous grant: without the new one, the account would be lost.
    let id = first["id"].as_str().unwrap();
    app.jump(std::time::Duration::from_secs(3600));
    app.get(&format!("{ACCOUNTS}{id}/access-token/")).await.ok();
    assert_eq!(app.zoom.count("refreshes_refused").await, 0);

    assert_eq!(delete(&app, &format!("{ACCOUNTS}{id}/")).await.status, 204);
    assert_eq!(app.post(ACCOUNTS, by_code(&app).await).await.created()["id"], json!(id), "as in the guide");
}

#[tokio::test]
async fn a_refresh_token_of_another_program_is_imported() {
    let app = app().await;
    let code = app.zoom.code(CLIENT_ID, REDIRECT).await;
    let held = app.zoom.refresh_token((CLIENT_ID, CLIENT_SECRET), &code, REDIRECT).await;
    let body = json!({ "oauth_app": app.zoom_app, "refresh_token": format!("{held}\r\n") });
    let answer = app.post(ACCOUNTS, body.clone()).await;
    assert!(!answer.text.contains(&held));
    let made = answer.created();
    assert_eq!((&made["user_id"], &made["kind"]), (&app.zoom.host()["id"], &json!("user_oauth")));
    let notice = made["latchkey_notice"].as_str().unwrap();
    assert!(notice.contains("every other copy of it is invalid"), "{notice}");
    let shown = app.get(&format!("{ACCOUNTS}{}/", made["id"].as_str().unwrap())).await.ok();
    assert_eq!((&shown["status"], &shown["latchkey_notice"]), (&json!("healthy"), &Value::Null));

    let again = app.post(ACCOUNTS, body).await.refused();
    assert_eq!(again["code"], "zoom_oauth_error", "{again}");
    let both = json!({ "oauth_app": app.zoom_app, "refresh_token": "x", "server_to_server": {} });
    let both = app.post(ACCOUNTS, both).await.refused();
    let words =
        "Give exactly one of authorization_code, refresh_token, access_token_callback_url, server_to_server.";
    assert_eq!(both["non_field_errors"][0], words);
}

#[tokio::test]
async fn an_operator_may_have_secrets_shown() {
    let app = TestApp::build(&Plan { show_app_secrets: true, ..PLAN }).await;
    let path = format!("{APPS}{}/", app.zoom_app);
    let shown = app.get(&path).await;
    assert_eq!(shown.header("cache-control"), "no-store");
    let shown = shown.ok();
    assert_eq!(
        shown,
        json!({
            "id": app.zoom_app, "kind": "user_level", "client_id": CLIENT_ID, "account_id": null,
            "client_secret": "planted-client-secret", "webhook_secret": "planted-webhook-secret",
            "webhook_last_validation": null, "latchkey_former_webhook_secret_ends_at": null,
            "latchkey_refused_since": null, "created_at": shown["created_at"],
        })
    );
    assert_eq!(app.get(APPS).await.ok()["results"], json!([shown]));
    let changed = send(&app, "PATCH", &path, json!({ "client_secret": "planted-newer" })).await.ok();
    assert_eq!(changed["client_secret"], "planted-newer");
    let masked = send(&app, "PATCH", &path, json!({ "webhook_secret": "********" })).await.refused();
    assert_eq!(masked, json!({ "webhook_secret": ["This is the mask of an answer, not a secret."] }));
}
