//! The token endpoints: our requests, the answers, and every observed refusal of Zoom.

use std::time::Duration;

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use model::{Class, Code, Failure, Secret};
use serde_json::{Value, json as body};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_string, header, method, path},
};
use zoom::{AppKeys, Grant, Sent, ZoomError};

use crate::support::{PLANTED, app, client_at, json, planted, zoom_says};

#[test]
fn the_consent_address_contains_state_and_challenge() {
    let url =
        client_at("https://zoom.us").authorize_url("app", "https://me.example/cb?a=1", "s&t", "challenge");
    assert_eq!(
        url.as_str(),
        "https://zoom.us/oauth/authorize?response_type=code&client_id=app\
         &redirect_uri=https%3A%2F%2Fme.example%2Fcb%3Fa%3D1&state=s%26t\
         &code_challenge=challenge&code_challenge_method=S256"
    );
}

#[tokio::test]
async fn a_code_is_exchanged_with_basic_authentication_and_a_form() {
    let server = MockServer::start().await;
    let answer = body!({
        "access_token": "access", "token_type": "bearer", "refresh_token": "next", "expires_in": 3599,
        "scope": "user:read:user user:read:zak", "api_url": "https://api-eu.zoom.us",
    });
    for form in [
        "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fme.example%2Fcb&code_verifier=v",
        "grant_type=refresh_token&refresh_token=old",
        "grant_type=account_credentials&account_id=acc",
    ] {
        Mock::given(method("POST"))
            .and(path("/oauth/token"))
            // app:planted-secret
            .and(header("authorization", "Basic YXBwOnBsYW50ZWQtc2VjcmV0"))
            .and(header("content-type", "application/x-www-form-urlencoded"))
            .and(body_string(form))
            .respond_with(json(200, answer.clone()))
            .expect(1)
            .mount(&server)
            .await;
    }

    let client = client_at(&server.uri());
    let grant = client.refresh(&app(), &Secret::new("old")).await.unwrap();
    assert!(!format!("{grant:?} {:?}", app()).contains(PLANTED));
    assert!(!format!("{grant:?}").contains("next"));
    assert_eq!(grant.access_token.unwrap().expose(), "access");
    assert_eq!(grant.refresh_token.unwrap().expose(), "next");
    assert_eq!(grant.expires_in, Duration::from_secs(3599));
    assert_eq!(grant.scopes.unwrap(), ["user:read:user", "user:read:zak"]);
    assert_eq!(grant.api_url.unwrap().as_str(), "https://api-eu.zoom.us/");

    client.account_credentials(&app(), "acc").await.unwrap();
    let (code, verifier) = (Secret::new("c"), Secret::new("v"));
    client.exchange_code(&app(), &code, "https://me.example/cb", Some(&verifier)).await.unwrap();
}

/// The result of a refresh with `answer`.
async fn refreshed(answer: ResponseTemplate) -> Grant {
    let said = format!("{answer:?}");
    let (_server, client) = zoom_says(answer).await;
    client.refresh(&app(), &planted()).await.unwrap_or_else(|error| panic!("{error} after {said}"))
}

#[tokio::test]
async fn an_odd_field_does_not_lose_the_refresh_token() {
    let whole = body!({
        "access_token": "access", "token_type": "bearer", "refresh_token": "next", "expires_in": 3599,
        "scope": "user:read:zak", "api_url": "https://api-eu.zoom.us",
    });
    for field in ["access_token", "token_type", "expires_in", "scope", "api_url", "another"] {
        for odd in [Some("null"), Some(r#""odd""#), Some("-7"), Some("1e400"), Some("[[]]"), Some("{}"), None]
        {
            let mut fields = whole.as_object().unwrap().clone();
            fields.remove(field);
            let mut written = serde_json::to_string(&fields).unwrap();
            if let Some(odd) = odd {
                written.insert_str(1, &format!("\"{field}\":{odd},"));
            }
            let grant = refreshed(ResponseTemplate::new(200).set_body_string(&written)).await;
            assert_eq!(grant.refresh_token.unwrap().expose(), "next", "{written}");
            let lost = field == "access_token" && odd != Some(r#""odd""#);
            assert_eq!(grant.access_token.is_none(), lost, "{written}");
            if field == "scope" && odd != Some(r#""odd""#) {
                assert_eq!(grant.scopes, None, "unknown scopes are not empty: {written}");
            }
        }
    }
}

#[tokio::test]
async fn bytes_around_the_answer_and_its_status_do_not_lose_the_refresh_token() {
    let whole = r#"{"access_token":"access","refresh_token":"next","expires_in":3599}"#;
    for written in [
        format!("\u{feff}{whole}"),
        format!("while(1);{whole}\n"),
        format!("{whole}{whole}"),
        format!("[{whole}]"),
        format!(r#"{{"data":{whole}}}"#),
        format!("{whole}<!-- cached -->"),
        whole[..whole.len() - 12].to_owned(),
        r#"{"refresh_token":"next","expires_in":"#.to_owned(),
    ] {
        let grant = refreshed(ResponseTemplate::new(200).set_body_string(&written)).await;
        assert_eq!(grant.refresh_token.unwrap().expose(), "next", "{written}");
    }
    let mut not_unicode = whole.as_bytes().to_vec();
    not_unicode.splice(1..1, b"\"name\":\"\xff\",".iter().copied());
    let grant = refreshed(ResponseTemplate::new(200).set_body_bytes(not_unicode)).await;
    assert_eq!(grant.refresh_token.unwrap().expose(), "next");
    for status in [201, 302, 400, 401, 429, 500, 503] {
        let grant = refreshed(ResponseTemplate::new(status).set_body_string(whole)).await;
        assert_eq!(grant.refresh_token.unwrap().expose(), "next", "{status}");
    }
}

#[tokio::test]
async fn the_lifetime_of_an_access_token_is_always_plausible() {
    let (short, day) = (300, 24 * 3600);
    for (expires_in, seconds) in [
        ("3599", 3599),
        ("20", 20),
        (r#""20""#, 20),
        ("20.7", 20),
        (r#"" 20.7 ""#, 20),
        ("3600000", day),
        ("1099511627776", day),
        ("100000000000000000", day),
        ("1e17", day),
        ("18446744073709551615", day),
        ("1e300", day),
        ("1e400", short),
        ("0", short),
        ("-5", short),
        (r#""soon""#, short),
        ("null", short),
        ("true", short),
        ("[3600]", short),
        (r#"{"seconds":3600}"#, short),
    ] {
        let written = format!(r#"{{"access_token":"a","refresh_token":"next","expires_in":{expires_in}}}"#);
        let grant = refreshed(ResponseTemplate::new(200).set_body_string(written)).await;
        assert_eq!(grant.expires_in, Duration::from_secs(seconds), "{expires_in}");
    }
    // The token's own claim is used if it is shorter.
    let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"iat":1800000000,"exp":1800003600}"#);
    let answer = body!({ "access_token": format!("e30.{claims}.s"), "refresh_token": "next", "expires_in": 3_600_000 });
    assert_eq!(refreshed(json(200, answer)).await.expires_in, Duration::from_secs(3600));
}

#[tokio::test]
async fn a_repeated_old_refresh_token_is_not_a_new_one() {
    let answer = body!({ "access_token": "access", "refresh_token": PLANTED, "expires_in": 3599 });
    assert!(refreshed(json(200, answer)).await.refresh_token.is_none());
    let (_server, client) = zoom_says(json(500, body!({ "refresh_token": PLANTED }))).await;
    assert!(client.refresh(&app(), &planted()).await.unwrap_err().in_doubt());
}

#[tokio::test]
async fn id_and_secret_are_encoded_before_they_are_joined() {
    let server = MockServer::start().await;
    let odd = AppKeys { client_id: "a:b".into(), client_secret: Secret::new("100% s+cret") };
    Mock::given(method("POST"))
        .and(header(
            "authorization",
            format!("Basic {}", BASE64_STANDARD.encode("a%3Ab:100%25+s%2Bcret")).as_str(),
        ))
        .respond_with(json(200, body!({ "access_token": "access", "expires_in": 3599 })))
        .expect(1)
        .mount(&server)
        .await;
    client_at(&server.uri()).account_credentials(&odd, "acc").await.unwrap();
}

#[tokio::test]
async fn revoking_sends_the_token_in_a_form() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/oauth/revoke"))
        .and(header("authorization", "Basic YXBwOnBsYW50ZWQtc2VjcmV0"))
        .and(body_string("token=planted-secret"))
        .respond_with(json(200, body!({ "status": "success" })))
        .expect(1)
        .mount(&server)
        .await;
    client_at(&server.uri()).revoke(&app(), &planted()).await.unwrap();
}

/// The results of the three grants and the revocation for one refusal, in this order: code, refresh, account, revoke.
async fn refused(answer: Value) -> [ZoomError; 4] {
    let (_server, client) = zoom_says(json(400, answer)).await;
    let (app, secret) = (app(), planted());
    let errors = [
        client.exchange_code(&app, &secret, "https://me.example/cb", None).await.unwrap_err(),
        client.refresh(&app, &secret).await.unwrap_err(),
        client.account_credentials(&app, "acc").await.unwrap_err(),
        client.revoke(&app, &secret).await.unwrap_err(),
    ];
    for error in &errors {
        assert!(!format!("{error} {error:?}").contains(PLANTED), "{error:?}");
    }
    errors
}

#[tokio::test]
async fn a_refusal_is_classified_by_its_word_and_by_what_was_presented() {
    use ZoomError::{AppRejected, CodeRejected, GrantDead};
    let by_what_was_presented = [CodeRejected, GrantDead, AppRejected, GrantDead];
    let unknown = || ZoomError::Unexpected { status: 400, code: None };
    for (answer, errors) in [
        (body!({"reason": "Invalid Token!", "error": "invalid_grant"}), by_what_was_presented.clone()),
        (body!({"reason": "Invalid Token!", "error": "invalid_request"}), by_what_was_presented.clone()),
        (body!({"reason": PLANTED, "error": "invalid_grant"}), by_what_was_presented.clone()),
        (body!({"error": "invalid_grant"}), by_what_was_presented.clone()),
        (body!({"error": "invalid_grant", "code": {"odd": 1}, "reason": 7}), by_what_was_presented),
        (body!({"error": 7, "code": "4735"}), [GrantDead, GrantDead, GrantDead, GrantDead]),
        (
            body!({"reason": "Invalid client_id or client_secret", "error": "invalid_client"}),
            [AppRejected, AppRejected, AppRejected, AppRejected],
        ),
        (
            body!({"reason": "unsupported grant type", "error": "unsupported_grant_type"}),
            [unknown(), unknown(), unknown(), unknown()],
        ),
        (body!({"reason": PLANTED}), [unknown(), unknown(), unknown(), unknown()]),
    ] {
        assert_eq!(refused(answer.clone()).await, errors, "{answer}");
    }
}

#[tokio::test]
async fn a_documented_number_takes_precedence_over_the_word() {
    for (code, expected) in [
        (4700, ZoomError::Unavailable { sent: Sent::Maybe }),
        (4702, ZoomError::AppRejected),
        (4704, ZoomError::AppRejected),
        (4705, ZoomError::Unexpected { status: 400, code: Some(4705) }),
        (4706, ZoomError::Unexpected { status: 400, code: Some(4706) }),
        (4709, ZoomError::AppRejected),
        (4711, ZoomError::ScopeMissing { scopes: vec![] }),
        (4717, ZoomError::AppRejected),
        (4724, ZoomError::Unexpected { status: 400, code: Some(4724) }),
        (4732, ZoomError::Unavailable { sent: Sent::Maybe }),
        (4733, ZoomError::CodeRejected),
        (4734, ZoomError::CodeRejected),
        (4735, ZoomError::GrantDead),
        (4737, ZoomError::GrantDead),
        (4738, ZoomError::UserBlocked),
        (4740, ZoomError::GrantDead),
        (4741, ZoomError::GrantDead),
    ] {
        let [_, error, ..] = refused(body!({"code": code, "error": "invalid_request", "reason": "x"})).await;
        assert_eq!(error, expected, "{code}");
    }
}

#[test]
fn a_failure_says_who_must_act() {
    for (error, code, class) in [
        (ZoomError::GrantDead, Code::CredentialNeedsConsent, Class::PersonMustAct),
        (ZoomError::CodeRejected, Code::CredentialNeedsConsent, Class::PersonMustAct),
        (ZoomError::AppRejected, Code::AppUnhealthy, Class::PersonMustAct),
        (ZoomError::TokenRejected, Code::ZoomUnavailable, Class::Retry),
        (ZoomError::ScopeMissing { scopes: vec![] }, Code::ScopeMissing, Class::PersonMustAct),
        (ZoomError::UserUnknown, Code::CredentialBlocked, Class::PersonMustAct),
        (ZoomError::UserBlocked, Code::CredentialBlocked, Class::PersonMustAct),
        (ZoomError::RateLimited { retry_after: None, daily: false }, Code::ZoomRateLimited, Class::Retry),
        (ZoomError::Unavailable { sent: Sent::No }, Code::ZoomUnavailable, Class::Retry),
        (ZoomError::Malformed { status: 200, what: "nothing" }, Code::ZoomUnexpected, Class::OurFault),
        (ZoomError::Unexpected { status: 418, code: None }, Code::ZoomUnexpected, Class::OurFault),
    ] {
        assert_eq!((error.code(), error.class()), (code, class), "{error:?}");
        assert_eq!(Failure::from(error.clone()).detail, error.to_string());
    }
    let limited = ZoomError::RateLimited { retry_after: Some(Duration::from_secs(7)), daily: true };
    assert_eq!(Failure::from(limited).retry_after, Some(Duration::from_secs(7)));
}
