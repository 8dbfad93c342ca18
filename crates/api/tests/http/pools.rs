//! Pools of accounts, as their owner sees them. Their seats are tested where bots run.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{
    app,
    test_app::{Answer, TestApp},
};

const POOLS: &str = "/api/latchkey/v1/pools/";

/// An app and two accounts of users.
async fn with_accounts() -> (TestApp, [String; 2]) {
    let app = app().await;
    let ada = app.zoom.user("ada@example.test", "Ada").await;
    let eve = app.zoom.user("eve@example.test", "Eve").await;
    let accounts = [app.connect(&ada).await, app.connect(&eve).await];
    (app, accounts)
}

async fn send(app: &TestApp, method: &str, path: &str, body: &Value) -> Answer {
    let request = app.request(method, path).header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

fn member(account: &str, joins: u32) -> Value {
    json!({ "credential": account, "max_joins": joins })
}

#[tokio::test]
async fn a_pool_is_made_shown_changed_and_deleted() {
    let (app, [ada, eve]) = with_accounts().await;
    let asked = json!({ "name": "note takers", "members": [member(&ada, 20)] });
    let made = app.post(POOLS, asked).await.created();
    let (id, at) = (made["id"].as_str().unwrap(), format!("{POOLS}{}/", made["id"].as_str().unwrap()));
    let shown = |account: &str, joins: u32, hosted: u32| {
        json!({ "credential": account, "user": null, "user_address": null, "status": "healthy", "max_joins": joins,
                "max_hosted": hosted, "joins": 0, "hosted": 0 })
    };
    let expected = json!({
        "id": id, "name": "note takers", "seats": 20, "seats_taken": 0, "members": [shown(&ada, 20, 1)],
        "created_at": made["created_at"],
    });
    assert_eq!(made, expected);
    assert_eq!(app.get(&at).await.ok(), expected);
    assert_eq!(app.get(at.trim_end_matches('/')).await.ok(), expected);
    assert_eq!(app.get(POOLS).await.ok(), json!({ "next": null, "previous": null, "results": [expected] }));

    let both = json!({ "credential": eve, "max_joins": 5, "max_hosted": 2 });
    let two = app.post(&format!("{at}members/"), both).await.ok();
    assert_eq!((&two["seats"], two["members"].as_array().unwrap().len()), (&json!(25), 2));
    let wider = app.post(&format!("{at}members/"), member(&ada, 30)).await.ok();
    assert_eq!(wider["seats"], 35);
    let left = send(&app, "DELETE", &format!("{at}members/{ada}/"), &json!({})).await;
    assert_eq!((left.status, left.text.as_str()), (204, ""));
    assert_eq!(send(&app, "DELETE", &format!("{at}members/{ada}/"), &json!({})).await.status, 404);

    let change = json!({ "name": "Protokoll 🗝", "members": [member(&ada, 1), both_of(&eve)] });
    let changed = send(&app, "PATCH", &at, &change).await.ok();
    assert_eq!((&changed["name"], &changed["seats"]), (&json!("Protokoll 🗝"), &json!(10)));
    let renamed = send(&app, "PATCH", &at, &json!({ "name": "again" })).await.ok();
    assert_eq!((&renamed["name"], &renamed["members"]), (&json!("again"), &changed["members"]));
    let emptied = send(&app, "PATCH", &at, &json!({ "members": [] })).await.ok();
    assert_eq!((&emptied["name"], &emptied["members"]), (&json!("again"), &json!([])));

    let link = json!({ "kind": "zak", "pool": id });
    let link = app.post("/api/latchkey/v1/token-links/", link).await.created();
    let drawn_on = send(&app, "DELETE", &at, &json!({})).await;
    let complaint =
        json!({ "code": "pool_in_use", "detail": "Token links use this pool: revoke them first." });
    assert_eq!((drawn_on.status, drawn_on.json()), (409, complaint));
    let link = format!("/api/latchkey/v1/token-links/{}/", link["id"].as_str().unwrap());
    assert_eq!(app.call("DELETE", &link, Body::empty()).await.status, 204);
    assert_eq!(send(&app, "DELETE", &at, &json!({})).await.status, 204);
    assert_eq!(app.get(&at).await.status, 404);
    assert_eq!(app.get(POOLS).await.ok()["results"], json!([]));
}

fn both_of(account: &str) -> Value {
    json!({ "credential": account, "max_joins": 9, "max_hosted": 2 })
}

#[tokio::test]
async fn an_account_that_is_lost_counts_no_seats() {
    let (app, [ada, eve]) = with_accounts().await;
    let asked = json!({ "name": "p", "members": [member(&ada, 20), member(&eve, 5)] });
    let made = app.post(POOLS, asked).await.created();
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{ada}/"), Body::empty()).await;
    let shown = app.get(&format!("{POOLS}{}/", made["id"].as_str().unwrap())).await.ok();
    assert_eq!(shown["seats"], 5);
    let lost = shown["members"].as_array().unwrap().iter().find(|member| member["credential"] == *ada);
    assert_eq!(lost.unwrap()["status"], "disconnected:asked");
}

#[tokio::test]
async fn errors_are_reported_at_the_member() {
    let (app, [ada, eve]) = with_accounts().await;
    let stranger = "00000000-0000-7000-8000-000000000000";
    app.post(POOLS, json!({ "name": "taken" })).await.created();
    let other = app.post(POOLS, json!({ "name": "other" })).await.created();
    let other = format!("{POOLS}{}/", other["id"].as_str().unwrap());
    for (asked, complaint) in [
        (json!({}), json!({ "name": ["This field is required."] })),
        (json!({ "name": " " }), json!({ "name": ["It must not be empty."] })),
        (
            json!({ "name": "x".repeat(101) }),
            json!({ "name": ["It must not be longer than 100 characters."] }),
        ),
        (
            json!({ "name": "taken" }),
            json!({ "name": ["This workspace already has a pool with this name."] }),
        ),
        (json!({ "name": "p", "members": {} }), json!({ "members": ["It must be a list."] })),
        (json!({ "name": "p", "members": [1] }), json!({ "members": ["It must be a list of objects."] })),
        (
            json!({ "name": "p", "members": vec![json!({}); 1001] }),
            json!({ "members": ["There must not be more than 1000."] }),
        ),
        (
            json!({ "name": "p", "members": [member(&ada, 1), { "credential": eve, "max_joins": 0, "max_hosted": 3 }] }),
            json!({ "members": [{}, { "max_joins": ["It must be at least 1."], "max_hosted": ["It must be at most 2."] }] }),
        ),
        (
            json!({ "name": "p", "members": [member(&ada, 1), member(&ada, 10_001)] }),
            json!({ "members": [{}, { "max_joins": ["It must be at most 10000."] }] }),
        ),
        (
            json!({ "name": "p", "members": [member(&ada, 1), member(&ada, 2)] }),
            json!({ "members": [{}, { "credential": ["This account is in the list twice."] }] }),
        ),
        (
            json!({ "name": "p", "members": [member(stranger, 1), member("ada", 1)] }),
            json!({ "members": [{}, { "credential": ["It must be the id of an account."] }] }),
        ),
        (
            json!({ "name": "p", "members": [member(&ada, 1), member(stranger, 1)] }),
            json!({ "members": [{}, { "credential": ["This workspace has no such account."] }] }),
        ),
        (
            json!({ "name": "p", "members": [{ "credential": ada, "max_joins": 1, "user": "ada@example.test" }] }),
            json!({ "members": [{ "user": ["This account belongs to one user; only a server-to-server app has several."] }] }),
        ),
    ] {
        assert_eq!(app.post(POOLS, asked.clone()).await.refused(), complaint, "{asked}");
        if asked["name"].is_string() {
            assert_eq!(send(&app, "PATCH", &other, &asked).await.refused(), complaint, "{asked}");
        }
    }
    assert_eq!(app.get(&other).await.ok()["name"], "other", "a refused change changes nothing");
    let alone = json!({ "credential": stranger, "max_joins": 1 });
    let complaint = json!({ "credential": ["This workspace has no such account."] });
    assert_eq!(app.post(&format!("{other}members/"), alone).await.refused(), complaint);
}

#[tokio::test]
async fn another_workspaces_pool_is_unknown() {
    let (app, [ada, _]) = with_accounts().await;
    let made = app.post(POOLS, json!({ "name": "ours", "members": [member(&ada, 1)] })).await.created();
    let at = format!("{POOLS}{}/", made["id"].as_str().unwrap());
    let key = app.another_workspace().await;
    let theirs = async |method: &str, path: &str, body: Value| {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("authorization", format!("Token {key}"))
            .header("content-type", "application/json");
        app.send(request.body(Body::from(body.to_string())).unwrap()).await
    };
    let unknown = json!({ "detail": "Not found." });
    for (method, path, body) in [
        ("GET", at.clone(), json!({})),
        ("PATCH", at.clone(), json!({ "name": "theirs" })),
        ("PATCH", at.clone(), json!({ "members": [] })),
        ("DELETE", at.clone(), json!({})),
        ("DELETE", format!("{at}members/{ada}/"), json!({})),
    ] {
        let answer = theirs(method, &path, body).await;
        assert_eq!((answer.status, answer.json()), (404, unknown.clone()), "{method} {path}");
    }
    assert_eq!(theirs("GET", POOLS, json!({})).await.ok()["results"], json!([]));
    let complaint = json!({ "members": [{ "credential": ["This workspace has no such account."] }] });
    let asked = json!({ "name": "ours", "members": [member(&ada, 1)] });
    assert_eq!(theirs("POST", POOLS, asked).await.refused(), complaint);
    theirs("POST", POOLS, json!({ "name": "ours" })).await.created();
    assert_eq!(app.get(&at).await.ok(), made);
}
