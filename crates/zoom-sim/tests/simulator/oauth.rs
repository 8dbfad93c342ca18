//! Consent, codes, rotation, revocation, and the exact error bodies.

use crate::support::{App, CALLBACK, Connected, Zoom, consent_id, query, read, text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

async fn zoom_with_app() -> (Zoom, App) {
    let zoom = Zoom::start().await;
    zoom.user("ada").await;
    let app = zoom.app(json!({})).await;
    (zoom, app)
}

fn invalid_token() -> Value {
    json!({"reason": "Invalid Token!", "error": "invalid_grant"})
}

fn invalid_code() -> Value {
    json!({"reason": "Invalid authorization code", "error": "invalid_grant"})
}

#[tokio::test]
async fn the_consent_page_shows_app_and_scopes_escaped() {
    let zoom = Zoom::start().await;
    zoom.user("ada").await;
    let app = zoom.app(json!({"name": "<script>alert(1)</script>"})).await;
    let query = [("response_type", "code"), ("client_id", &*app.id), ("redirect_uri", CALLBACK)];
    let response = zoom.authorize(&query).await;
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let page = response.text().await.unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self' http://127.0.0.1:9999;")
    );
    assert!(page.contains("&#60;script&#62;") && !page.contains("<script>"));
    for expected in ["Zoom simulator", "ada@example.test", "user:read:zak", r#"id="allow""#, r#"id="deny""#] {
        assert!(page.contains(expected), "{expected}");
    }
}

#[tokio::test]
async fn allow_and_deny_redirect_back_with_the_state() {
    let (zoom, app) = zoom_with_app().await;
    let allowed = zoom.consent(&app, "allow", &[("state", "a&b=c")]).await;
    assert!(allowed.as_str().starts_with(CALLBACK));
    assert!(query(&allowed, "code").is_some());
    assert_eq!(query(&allowed, "state").as_deref(), Some("a&b=c"));

    let denied = zoom.consent(&app, "deny", &[("state", "s")]).await;
    assert_eq!(query(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&denied, "state").as_deref(), Some("s"));
    assert_eq!(query(&denied, "code"), None);
    assert_eq!(query(&zoom.consent(&app, "allow", &[]).await, "state"), None);
}

#[tokio::test]
async fn a_consent_page_works_once_and_expires() {
    let (zoom, app) = zoom_with_app().await;
    let asked = [("response_type", "code"), ("client_id", &*app.id), ("redirect_uri", CALLBACK)];
    let page = zoom.authorize(&asked).await.text().await.unwrap();
    assert_eq!(zoom.press(&consent_id(&page), "allow").await.status(), 303);
    assert_eq!(zoom.press(&consent_id(&page), "allow").await.status(), 400);

    let page = zoom.authorize(&asked).await.text().await.unwrap();
    zoom.advance(300).await;
    assert_eq!(zoom.press(&consent_id(&page), "allow").await.status(), 400);
}

#[tokio::test]
async fn a_bad_client_or_redirect_gets_a_page_and_no_redirect() {
    let (zoom, app) = zoom_with_app().await;
    let public = zoom.app(json!({"public": true})).await;
    let disabled = zoom.app(json!({"disabled": true})).await;
    let cases = [
        ("nobody", CALLBACK, "code", "4702"),
        (&app.id, "https://evil.test/callback", "code", "4709"),
        (&app.id, "http://127.0.0.1:9999/other", "code", "4709"),
        (&app.id, CALLBACK, "token", "4700"),
        (&public.id, CALLBACK, "code", "4700"),
        (&disabled.id, CALLBACK, "code", "4717"),
    ];
    for (client, redirect, response_type, code) in cases {
        let asked = [("response_type", response_type), ("client_id", client), ("redirect_uri", redirect)];
        let response = zoom.authorize(&asked).await;
        assert_eq!(response.status(), 400, "{code}");
        assert!(response.headers().get("location").is_none());
        assert!(response.text().await.unwrap().contains(code), "{code}");
    }
}

#[tokio::test]
async fn a_code_is_exchanged_once() {
    let (zoom, app) = zoom_with_app().await;
    let code = zoom.code(&app, &[]).await;
    let bought = zoom.exchange(&app, &code).await;
    assert_eq!(bought.status, 200);
    assert_eq!(bought.body["token_type"], "bearer");
    assert_eq!(bought.body["expires_in"], 3600);
    assert_eq!(bought.body["scope"], "user:read:user user:read:token user:read:zak");
    assert_eq!(bought.body["api_url"], zoom.simulator.ready().api_base.as_str());
    assert_eq!(text(&bought.body, "access_token").split('.').count(), 3);

    let again = zoom.exchange(&app, &code).await;
    assert_eq!((again.status, again.body), (400, invalid_code()));
}

#[tokio::test]
async fn a_code_expires_after_five_minutes() {
    let (zoom, app) = zoom_with_app().await;
    let code = zoom.code(&app, &[]).await;
    zoom.advance(300).await;
    let late = zoom.exchange(&app, &code).await;
    assert_eq!((late.status, late.body), (400, invalid_code()));
}

#[tokio::test]
async fn a_code_is_bound_to_its_app_and_redirect() {
    let (zoom, app) = zoom_with_app().await;
    let other = zoom.app(json!({})).await;
    let stolen = zoom.exchange(&other, &zoom.code(&app, &[]).await).await;
    assert_eq!((stolen.status, stolen.body), (400, invalid_code()));

    let code = zoom.code(&app, &[]).await;
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", "https://b.test")];
    let elsewhere = zoom.token(&app, &form).await;
    let expected = json!({"reason": "Redirect URI mismatch.", "error": "invalid_request"});
    assert_eq!((elsewhere.status, elsewhere.body), (400, expected));
}

#[tokio::test]
async fn the_pkce_verifier_must_match() {
    let (zoom, app) = zoom_with_app().await;
    let verifier = "correct-horse-battery-staple-correct-horse-battery";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let hashed = URL_SAFE_NO_PAD.encode(digest);
    let s256 = [("code_challenge", &*hashed), ("code_challenge_method", "S256")];
    let plain = [("code_challenge", verifier)];
    let cases = [
        (&s256[..], Some(verifier), 200),
        (&s256, Some(&hashed), 400),
        (&s256, None, 400),
        (&plain, Some(verifier), 200),
        (&plain, Some("wrong"), 400),
        (&[], None, 200),
        (&[], Some(verifier), 400),
    ];
    for (challenge, given, status) in cases {
        let code = zoom.code(&app, challenge).await;
        let mut form =
            vec![("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK)];
        form.extend(given.map(|given| ("code_verifier", given)));
        let answer = zoom.token(&app, &form).await;
        assert_eq!(answer.status, status, "{challenge:?} {given:?}");
        if status == 400 {
            assert_eq!(answer.body, invalid_code());
        }
    }
}

#[tokio::test]
async fn rotation_kills_the_old_refresh_token_at_once() {
    let (zoom, app) = zoom_with_app().await;
    let first = zoom.connect(&app).await;
    let second = zoom.refresh(&app, &first.refresh).await;
    assert_eq!(second.status, 200);
    let reused = zoom.refresh(&app, &first.refresh).await;
    assert_eq!((reused.status, reused.body), (400, invalid_token()));
    let third = zoom.refresh(&app, &text(&second.body, "refresh_token")).await;
    assert_eq!(third.status, 200, "a reuse does not harm the newer token");
    assert_eq!((zoom.stat("refreshes").await, zoom.stat("refreshes_refused").await), (2, 1));
    assert_eq!(zoom.get("/v2/users/me", &first.access).await.status, 200, "older access tokens live on");
}

#[tokio::test]
async fn switches_give_grace_or_let_only_one_access_token_live() {
    let (zoom, app) = zoom_with_app().await;
    let first = zoom.connect(&app).await;
    zoom.control("PATCH", "/switches", json!({"refresh_grace_seconds": 60})).await;
    assert_eq!(zoom.refresh(&app, &first.refresh).await.status, 200);
    assert_eq!(zoom.refresh(&app, &first.refresh).await.status, 200);
    zoom.advance(60).await;
    assert_eq!(zoom.refresh(&app, &first.refresh).await.status, 400);
    zoom.control("PATCH", "/switches", json!({"one_live_access_token": true})).await;
    assert_eq!(zoom.get("/v2/users/me", &first.access).await.status, 401);
}

#[tokio::test]
async fn a_refresh_token_expires_ninety_days_after_it_was_issued() {
    let (zoom, app) = zoom_with_app().await;
    let first = zoom.connect(&app).await;
    zoom.advance(89 * 86_400).await;
    let second = zoom.refresh(&app, &first.refresh).await;
    assert_eq!(second.status, 200);
    zoom.advance(90 * 86_400).await;
    assert_eq!(zoom.refresh(&app, &text(&second.body, "refresh_token")).await.body, invalid_token());
}

#[tokio::test]
async fn a_second_consent_ends_the_first_grant() {
    let (zoom, app) = zoom_with_app().await;
    let first = zoom.connect(&app).await;
    let second = zoom.connect(&app).await;
    assert_eq!(zoom.refresh(&app, &first.refresh).await.body, invalid_token());
    assert_eq!(zoom.get("/v2/users/me", &first.access).await.status, 401);
    assert_eq!(zoom.refresh(&app, &second.refresh).await.status, 200);
}

#[tokio::test]
async fn revoking_ends_the_grant() {
    let (zoom, app) = zoom_with_app().await;
    for take in [|t: &Connected| t.access.clone(), |t: &Connected| t.refresh.clone()] {
        let tokens = zoom.connect(&app).await;
        let token = take(&tokens);
        let form = [("client_id", &*app.id), ("client_secret", &*app.secret), ("token", &*token)];
        let revoked = zoom.post("/oauth/revoke", &form).await;
        assert_eq!((revoked.status, revoked.body), (200, json!({"status": "success"})));
        assert_eq!(zoom.refresh(&app, &tokens.refresh).await.body, invalid_token());
        assert_eq!(zoom.get("/v2/users/me", &tokens.access).await.status, 401);
        assert_eq!(zoom.post("/oauth/revoke", &form).await.body, invalid_token());
    }
}

#[tokio::test]
async fn a_wrong_client_gets_400_and_not_401() {
    let (zoom, app) = zoom_with_app().await;
    let expected = json!({"reason": "Invalid client_id or client_secret", "error": "invalid_client"});
    let wrong = App { secret: "wrong".to_owned(), ..app.clone() };
    let answer = zoom.refresh(&wrong, "any").await;
    assert_eq!((answer.status, answer.body), (400, expected.clone()));
    let nobody = zoom.post("/oauth/token", &[("grant_type", "refresh_token")]).await;
    assert_eq!((nobody.status, nobody.body), (400, expected.clone()));
    zoom.control("PATCH", &format!("/apps/{}", app.id), json!({"disabled": true})).await;
    assert_eq!(zoom.refresh(&app, "any").await.body, expected);
}

#[tokio::test]
async fn an_unknown_grant_type_is_refused() {
    let (zoom, app) = zoom_with_app().await;
    let expected = json!({"reason": "unsupported grant type", "error": "unsupported_grant_type"});
    for form in [&[][..], &[("grant_type", "password")], &[("grant_type", "account_credentials")]] {
        let answer = zoom.token(&app, form).await;
        assert_eq!((answer.status, answer.body), (400, expected.clone()));
    }
}

#[tokio::test]
async fn credentials_and_parameters_are_accepted_in_every_form() {
    let (zoom, app) = zoom_with_app().await;
    let form = [("client_id", &*app.id), ("client_secret", &*app.secret)];
    let in_form = [("grant_type", "refresh_token"), ("refresh_token", &*zoom.connect(&app).await.refresh)]
        .map(|(name, value)| (name, value.to_owned()));
    let whole: Vec<(&str, &str)> =
        form.into_iter().chain(in_form.iter().map(|(name, value)| (*name, value.as_str()))).collect();
    assert_eq!(zoom.post("/oauth/token", &whole).await.status, 200);

    let token = zoom.connect(&app).await.refresh;
    let path = format!("/oauth/token?grant_type=refresh_token&refresh_token={token}");
    zoom.control("PATCH", "/switches", json!({"query_parameters": false})).await;
    assert_eq!(zoom.post(&path, &form).await.body["error"], "unsupported_grant_type");
    zoom.control("PATCH", "/switches", json!({"query_parameters": true})).await;
    assert_eq!(zoom.post(&path, &form).await.status, 200);
}

#[tokio::test]
async fn a_server_to_server_app_needs_no_consent() {
    let zoom = Zoom::start().await;
    zoom.user("ada").await;
    let app = zoom.app(json!({"kind": "server_to_server", "account_id": "acc"})).await;
    let form = [("grant_type", "account_credentials"), ("account_id", "acc")];
    let (first, second) = (zoom.token(&app, &form).await, zoom.token(&app, &form).await);
    assert_eq!((first.status, second.status), (200, 200));
    assert!(first.body.get("refresh_token").is_none());
    zoom.control("POST", "/users", json!({"email": "bot@acc.test", "account_id": "acc"})).await;
    for token in [first, second] {
        let path = "/v2/users/bot@acc.test/token?type=zak";
        assert_eq!(
            zoom.get(path, &text(&token.body, "access_token")).await.status,
            200,
            "several tokens are valid at once"
        );
    }
    let wrong = zoom.token(&app, &[("grant_type", "account_credentials"), ("account_id", "other")]).await;
    assert_eq!((wrong.status, &wrong.body["error"]), (400, &json!("invalid_request")));
}

#[tokio::test]
async fn a_public_client_has_pkce_and_no_secret() {
    let zoom = Zoom::start().await;
    zoom.user("ada").await;
    let app = zoom.app(json!({"public": true})).await;
    let code = zoom.code(&app, &[("code_challenge", "v"), ("code_challenge_method", "plain")]).await;
    let form = [
        ("client_id", &*app.id),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", "v"),
    ];
    assert_eq!(zoom.post("/oauth/token", &form).await.status, 200);
}

#[tokio::test]
async fn answers_are_json_and_not_stored() {
    let (zoom, app) = zoom_with_app().await;
    let code = zoom.code(&app, &[]).await;
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    let response = zoom.try_token(&app, &form).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(read(response).await.status, 200);
}

#[tokio::test]
async fn basic_credentials_are_decoded_before_they_are_compared() {
    let zoom = Zoom::start().await;
    zoom.user("ada").await;
    let odd = json!({"client_id": "a:b", "client_secret": "100% s+cret", "kind": "server_to_server"});
    zoom.control("POST", "/apps", odd).await;
    for (id, secret, word) in [
        // The client is authenticated before the account is checked.
        ("a%3Ab", "100%25+s%2Bcret", "invalid_request"),
        ("a%3Ab", "100% s+cret", "invalid_client"),
        ("a:b", "100%25+s%2Bcret", "invalid_client"),
    ] {
        let form = [("grant_type", "account_credentials"), ("account_id", "none")];
        let answer = zoom.token(&App { id: id.into(), secret: secret.into() }, &form).await;
        assert_eq!((answer.status, answer.body["error"].as_str()), (400, Some(word)), "{id} {secret}");
    }
}
