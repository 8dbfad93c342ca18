//! Users and their tokens.

use crate::support::{App, Connected, Zoom, text};
use jsonwebtoken::dangerous::insecure_decode;
use serde_json::{Value, json};

async fn connected() -> (Zoom, App, Connected, String) {
    let zoom = Zoom::start().await;
    let user = zoom.user("ada").await;
    let app = zoom.app(json!({})).await;
    let tokens = zoom.connect(&app).await;
    (zoom, app, tokens, user)
}

fn claims(token: &str) -> Value {
    insecure_decode::<Value>(token).unwrap().claims
}

#[tokio::test]
async fn me_is_the_user_who_consented() {
    let (zoom, _, tokens, id) = connected().await;
    let me = zoom.get("/v2/users/me", &tokens.access).await;
    assert_eq!(me.status, 200);
    assert_eq!(me.body["id"], id.as_str());
    assert_eq!(me.body["email"], "ada@example.test");
    assert_eq!((&me.body["status"], &me.body["type"]), (&json!("active"), &json!(2)));
    assert_eq!(me.body["pic_url"], format!("https://zoom.us/p/{id}.svg"));
    assert_eq!(zoom.get(&format!("/v2/users/{id}"), &tokens.access).await.body, me.body);
    assert_eq!(zoom.get("/v2/users/ada@example.test", &tokens.access).await.body, me.body);
}

#[tokio::test]
async fn users_out_of_reach_do_not_exist() {
    let (zoom, _, tokens, _) = connected().await;
    let other = zoom.user("grace").await;
    for who in ["nobody", &other] {
        let answer = zoom.get(&format!("/v2/users/{who}"), &tokens.access).await;
        assert_eq!((answer.status, answer.body), (404, json!({"code": 1001, "message": "User not exist."})));
    }
}

#[tokio::test]
async fn an_admin_scope_reaches_the_account() {
    let zoom = Zoom::start().await;
    zoom.user("admin").await;
    let colleague = zoom.user("colleague").await;
    let outsider = json!({"email": "o@partner.test", "account_id": "partner"});
    zoom.control("POST", "/users", outsider).await;
    let app = zoom.app(json!({"kind": "account_level", "scopes": ["user:read:user:admin"]})).await;
    let tokens = zoom.connect(&app).await;
    let path = format!("/v2/users/{colleague}");
    assert_eq!(zoom.get(&path, &tokens.access).await.body["display_name"], "colleague");
    assert_eq!(zoom.get("/v2/users/me", &tokens.access).await.body["display_name"], "admin");
    assert_eq!(zoom.get("/v2/users/o@partner.test", &tokens.access).await.status, 404);
}

#[tokio::test]
async fn invalid_bearer_tokens_get_401_with_124() {
    let (zoom, _, tokens, _) = connected().await;
    let invalid = json!({"code": 124, "message": "Invalid access token."});
    let forged = format!("{}x", tokens.access);
    for bearer in ["", "nonsense", &forged] {
        let answer = zoom.get("/v2/users/me", bearer).await;
        assert_eq!((answer.status, answer.body), (401, invalid.clone()));
    }
    zoom.advance(3600).await;
    let answer = zoom.get("/v2/users/me", &tokens.access).await;
    assert_eq!(
        (answer.status, answer.body),
        (401, json!({"code": 124, "message": "Access token is expired."}))
    );
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let zoom = Zoom::start().await;
    zoom.user("ada").await;
    let app = zoom.app(json!({"scopes": ["meeting:read:meeting"]})).await;
    let tokens = zoom.connect(&app).await;
    let answer = zoom.get("/v2/users/me/token?type=onbehalf", &tokens.access).await;
    let message = "Invalid access token, does not contain scopes:[user:read:token, \
                   user:read:token:admin, user:read, user:read:admin].";
    assert_eq!((answer.status, answer.body), (400, json!({"code": 4711, "message": message})));
}

#[tokio::test]
async fn a_zak_contains_its_user_and_lifetime() {
    let (zoom, _, tokens, user) = connected().await;
    let lives = |token: &str| {
        let claims = claims(token);
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
    };
    for (path, life) in [
        ("/v2/users/me/token?type=zak", 7_200),
        ("/v2/users/me/token?type=zak&ttl=1", 1),
        ("/v2/users/me/token?type=zak&ttl=31536000", 31_536_000),
        ("/v2/users/me/zak", 300),
    ] {
        let zak = text(&zoom.get(path, &tokens.access).await.body, "token");
        assert_eq!(lives(&zak), life, "{path}");
        assert_eq!(claims(&zak)["uid"], user.as_str());
    }
    assert_eq!(zoom.stat("zak_mints").await, 4);
}

#[tokio::test]
async fn a_ttl_has_limits() {
    let (zoom, _, tokens, _) = connected().await;
    for ttl in ["0", "-1", "31536001", "soon", ""] {
        let answer = zoom.get(&format!("/v2/users/me/token?type=zak&ttl={ttl}"), &tokens.access).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(300)), "{ttl}");
    }
}

#[tokio::test]
async fn without_a_type_no_zak_is_returned() {
    let (zoom, _, tokens, _) = connected().await;
    let token = text(&zoom.get("/v2/users/me/token", &tokens.access).await.body, "token");
    assert!(!token.contains('.'), "the deprecated token is not a JWT");
    assert_eq!(zoom.get("/v2/users/me/token?type=nonsense", &tokens.access).await.body["code"], 300);
    assert_eq!(zoom.stat("zak_mints").await, 0);
}

#[tokio::test]
async fn an_expired_access_token_mints_only_by_switch() {
    let (zoom, _, tokens, _) = connected().await;
    zoom.advance(3600).await;
    assert_eq!(zoom.get("/v2/users/me/token?type=zak", &tokens.access).await.status, 401);
    zoom.control("PATCH", "/switches", json!({"zak_on_expired_access_token": true})).await;
    assert_eq!(zoom.get("/v2/users/me/token?type=zak", &tokens.access).await.status, 200);
    assert_eq!(zoom.get("/v2/users/me", &tokens.access).await.status, 401);
}

#[tokio::test]
async fn a_deactivated_user_has_no_grant_left() {
    let (zoom, app, tokens, user) = connected().await;
    zoom.control("PATCH", &format!("/users/{user}"), json!({"active": false})).await;
    assert_eq!(zoom.get("/v2/users/me", &tokens.access).await.status, 401);
    assert_eq!(zoom.refresh(&app, &tokens.refresh).await.body["error"], "invalid_grant");
}

#[tokio::test]
async fn a_user_created_over_rest_has_longer_lived_zaks() {
    let zoom = Zoom::start().await;
    zoom.user("admin").await;
    let access = zoom.account_token(&["user:write:user:admin", "user:read:zak:admin"]).await;
    let post = async |action: &str, email: &str| {
        let info = json!({"email": email, "first_name": "Bo", "last_name": "T", "type": 2});
        zoom.call("POST", "/v2/users", &access, json!({"action": action, "user_info": info})).await
    };
    let life = async |id: &str| {
        let path = format!("/v2/users/{id}/token?type=zak");
        let claims = claims(&text(&zoom.get(&path, &access).await.body, "token"));
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
    };
    let made = post("custCreate", "bot@example.test").await;
    assert_eq!((made.status, &made.body["display_name"]), (201, &json!("Bo T")));
    assert_eq!(life(&text(&made.body, "id")).await, 7_776_000);
    let made = post("create", "person@example.test").await;
    assert_eq!(life(&text(&made.body, "id")).await, 7_200);
    let again = post("create", "BOT@example.test").await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!(1005)));
    for (action, email) in [("conjure", "x@example.test"), ("create", "nobody")] {
        assert_eq!(post(action, email).await.body["code"], 300);
    }
    let powerless = zoom.account_token(&["user:read:admin"]).await;
    assert_eq!(zoom.call("POST", "/v2/users", &powerless, Value::Null).await.body["code"], 4711);
}
