//! Endpoints of the kind `email`: mail through an SMTP server on this machine.

mod smtp_server;

use std::time::Duration;

use axum::body::Body;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::Secret;
use serde_json::{Value, json};
use webhooks::{MailSettings, MailTls};

use self::smtp_server::{Letter, Mood, SmtpServer};
use crate::{
    PLAN,
    test_app::{Plan, TestApp},
};

const ENDPOINTS: &str = "/api/latchkey/v1/webhook-endpoints/";
const TO: &str = "mailto:ops@example.com";

/// An SMTP server without TLS.
fn settings(server: &SmtpServer) -> MailSettings {
    MailSettings {
        host: "localhost".to_owned(),
        port: server.port,
        tls: MailTls::None,
        login: None,
        from: "Latchkey <latchkey@example.com>".to_owned(),
        allow_domains: Vec::new(),
        authority: None,
    }
}

async fn app(mail: MailSettings) -> TestApp {
    TestApp::build(&Plan { mail: Some(mail), ..PLAN }).await
}

async fn endpoint(app: &TestApp) -> String {
    let made = app.post(ENDPOINTS, json!({ "kind": "email", "url": TO })).await.created();
    format!("{ENDPOINTS}{}/", made["id"].as_str().unwrap())
}

async fn test(app: &TestApp, endpoint: &str) -> String {
    let sent = app.post(&format!("{endpoint}test/"), json!({})).await.ok();
    format!("{endpoint}deliveries/{}/", sent["event"].as_str().unwrap())
}

/// The delivery, after this many attempts.
async fn tried(app: &TestApp, delivery: &str, times: u64) -> Value {
    app.wait_for("it was tried", async || {
        let delivery = app.get(delivery).await.ok();
        (delivery["attempts"].as_u64() >= Some(times)).then_some(delivery)
    })
    .await
}

async fn first_letter(app: &TestApp, server: &SmtpServer) -> Letter {
    app.wait_for("a mail has come", async || server.letters().first().cloned()).await
}

#[tokio::test]
async fn a_mail_says_what_happened_what_is_at_stake_and_where_to_go() {
    let server = SmtpServer::start(false).await;
    let app = app(settings(&server)).await;
    let path = endpoint(&app).await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let bot = json!({ "meeting_url": "https://zoom.us/j/123456789", "zoom": { "credential": account },
                      "join_at": app.env.now() + Duration::from_secs(3600) });
    let bot = app.bot(bot).await;
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    let letter = first_letter(&app, &server).await;
    assert_eq!(letter.from, "MAIL FROM:<latchkey@example.com>");
    assert_eq!(letter.to, ["RCPT TO:<ops@example.com>"]);
    for (name, value) in [
        ("From", "Latchkey <latchkey@example.com>"),
        ("To", "ops@example.com"),
        ("Subject", "The Zoom account Ada is disconnected"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Type", "text/plain; charset=utf-8"),
    ] {
        assert_eq!(letter.header(name), value);
    }
    for part in [
        "The Zoom account Ada is disconnected.",
        "At stake: 1 bot is scheduled",
        &bot,
        "Connect it: https://",
    ] {
        assert!(letter.text.contains(part), "{part:?} is not in {}", letter.text);
    }
    let delivery = &app.get(&format!("{path}deliveries/")).await.ok()["results"][0];
    let id = delivery["event"].as_str().unwrap();
    assert_eq!(letter.header("Message-ID"), format!("<{id}@example.com>"));
    let delivery = tried(&app, &format!("{path}deliveries/{id}/"), 1).await;
    assert_eq!((&delivery["state"], &delivery["answer"]["status"]), (&json!("delivered"), &json!(250)));
    assert_eq!(delivery["answer"]["body"], "2.0.0 taken as number 1");
    assert!(
        !app.get(&path).await.ok()["secret"].as_str().unwrap().starts_with("whsec_"),
        "nothing is signed"
    );
}

#[tokio::test]
async fn a_name_cannot_inject_a_header() {
    let server = SmtpServer::start(false).await;
    let app = app(settings(&server)).await;
    endpoint(&app).await;
    let name = "Zoë\r\nBcc: eve@example.com\r\n\r\n.\r\nRCPT TO:<eve@example.com>";
    let account = app.connect(&app.zoom.user("ada@example.test", name).await).await;
    app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    let letter = first_letter(&app, &server).await;
    assert_eq!((letter.to.len(), &*letter.header("Bcc")), (1, ""));
    let names: Vec<_> =
        letter.headers().iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    let expected = [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "Content-Type",
        "Content-Transfer-Encoding",
    ];
    assert!(names.iter().all(|name| expected.contains(&name.as_str())), "{names:?}");
    assert_eq!(server.letters().len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_before_the_connection_is_encrypted() {
    let server = SmtpServer::start(true).await;
    let login = Some(("latchkey".to_owned(), Secret::new("planted-password")));
    let mail = MailSettings {
        tls: MailTls::Starttls,
        login: login.clone(),
        authority: Some(server.certificate.clone().into_bytes()),
        ..settings(&server)
    };
    let app_with_tls = app(mail.clone()).await;
    let delivery = test(&app_with_tls, &endpoint(&app_with_tls).await).await;
    let letter = first_letter(&app_with_tls, &server).await;
    assert!(letter.is_encrypted);
    let expected = BASE64_STANDARD.encode("\0latchkey\0planted-password");
    assert_eq!(letter.login.as_deref(), Some(&*expected));
    assert_eq!(tried(&app_with_tls, &delivery, 1).await["state"], "delivered");

    // A server without TLS, and one with an untrusted certificate, receive neither login nor mail.
    let open = SmtpServer::start(false).await;
    let stranger = MailSettings { authority: None, ..mail.clone() };
    for (server, mail) in [(&open, MailSettings { port: open.port, ..mail }), (&server, stranger)] {
        let before = server.heard().len();
        let app = app(mail).await;
        let delivery = tried(&app, &test(&app, &endpoint(&app).await).await, 1).await;
        assert_eq!(delivery["state"], "pending");
        let error = delivery["answer"]["error"].as_str().unwrap();
        assert_eq!(error, "the SMTP server of this installation cannot be used");
        let heard = server.heard().split_off(before);
        assert!(
            heard.iter().all(|line| ["CONNECTED", "EHLO", "STARTTLS", "QUIT"]
                .iter()
                .any(|word| line.starts_with(word))),
            "{heard:?}"
        );
    }
}

#[tokio::test]
async fn a_temporary_refusal_is_retried_and_a_permanent_one_is_not() {
    let server = SmtpServer::start(false).await;
    let login = Some(("latchkey".to_owned(), Secret::new("planted-password")));
    let app = app(MailSettings { login, ..settings(&server) }).await;
    let path = endpoint(&app).await;

    server.is(Mood::Refuses("451 4.7.1 later"));
    let delivery = test(&app, &path).await;
    let failed = tried(&app, &delivery, 1).await;
    let answer = &failed["answer"];
    assert_eq!((&answer["status"], &answer["body"]), (&json!(451), &json!("4.7.1 later")));
    assert_eq!(answer["error"], "the SMTP server refused the mail (451)");
    server.is(Mood::Takes);
    let letter = first_letter(&app, &server).await;
    assert!(
        delivery.contains(letter.header("Message-ID").trim_start_matches('<').split('@').next().unwrap())
    );
    assert_eq!(tried(&app, &delivery, 2).await["state"], "delivered");

    server.is(Mood::Refuses("550 5.1.1 nobody of this name"));
    let delivery = tried(&app, &test(&app, &path).await, 1).await;
    assert_eq!((&delivery["state"], &delivery["next_attempt_at"]), (&json!("failed"), &Value::Null));
    assert_eq!(delivery["answer"]["body"], "5.1.1 nobody of this name");

    // The server's answer to a login concerns the operator, and may repeat the password.
    server.is(Mood::Strange);
    let delivery = tried(&app, &test(&app, &path).await, 1).await;
    assert_eq!((&delivery["state"], &delivery["answer"]["status"]), (&json!("pending"), &json!(535)));
    let shown = app.get(&format!("{path}deliveries/")).await.text
        + &String::from_utf8_lossy(&app.bytes_of_the_store());
    let secret = BASE64_STANDARD.encode("\0latchkey\0planted-password");
    assert!(!shown.contains("planted-password") && !shown.contains(&secret));
}

#[tokio::test]
async fn a_server_that_disconnects_or_hangs_is_retried() {
    let server = SmtpServer::start(false).await;
    let app = app(settings(&server)).await;
    let path = endpoint(&app).await;
    let unusable = "the SMTP server of this installation cannot be used";
    let silent = "no response from the SMTP server within 30 s";
    for (mood, words) in [(Mood::Resets, unusable), (Mood::Hangs, silent)] {
        server.is(mood);
        let connections = server.heard().len();
        let delivery = test(&app, &path).await;
        app.wait_for("it connects", async || (server.heard().len() > connections).then_some(())).await;
        // A reset is known immediately; a retry later would fail again.
        if words == silent {
            app.jump(Duration::from_secs(31));
        }
        let failed = tried(&app, &delivery, 1).await;
        assert_eq!((&failed["state"], &failed["answer"]["error"]), (&json!("pending"), &json!(words)));
        let before = server.letters().len();
        server.is(Mood::Takes);
        app.jump(Duration::from_secs(10));
        app.wait_for("it has come", async || (server.letters().len() > before).then_some(())).await;
        let arrived = app.wait_for("that is known", async || {
            Some(app.get(&delivery).await.ok()).filter(|delivery| delivery["state"] == "delivered")
        });
        arrived.await;
        assert_eq!(server.letters().len(), before + 1);
    }
    // An accepted mail stays accepted, even if the server does not close the session.
    server.is(Mood::Lingers);
    let before = server.letters().len();
    let delivery = tried(&app, &test(&app, &path).await, 1).await;
    assert_eq!((&delivery["state"], server.letters().len()), (&json!("delivered"), before + 1));
}

#[tokio::test]
async fn errors_of_a_mail_address_are_reported() {
    let server = SmtpServer::start(false).await;
    let without = crate::app().await;
    let refused = without.post(ENDPOINTS, json!({ "kind": "email", "url": TO })).await.refused();
    assert!(refused["kind"][0].as_str().unwrap().contains("mail.server"), "{refused}");

    let app = app(MailSettings { allow_domains: vec!["Example.com".into()], ..settings(&server) }).await;
    let refused = async |body: Value| app.post(ENDPOINTS, body).await.refused();
    let none = "It must be mailto: and one e-mail address, such as mailto:ops@example.com.";
    for url in ["mailto:ops", "mailto:a@example.com,b@example.com", "mailto:a@example.com?bcc=b@example.com"]
    {
        assert_eq!(refused(json!({ "kind": "email", "url": url })).await, json!({ "url": [none] }), "{url}");
    }
    let elsewhere = refused(json!({ "kind": "email", "url": "mailto:a@elsewhere.example" })).await;
    assert!(elsewhere["url"][0].as_str().unwrap().contains("mail.allow_domains"), "{elsewhere}");
    for (kind, url) in [("webhook", TO), ("slack", TO), ("email", "https://example.com/")] {
        refused(json!({ "kind": kind, "url": url })).await["url"].as_array().unwrap();
    }
    for field in ["secret", "svix_headers"] {
        let mut body = json!({ "kind": "email", "url": TO });
        body[field] = if field == "secret" {
            "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC0wMDAwMDAwMQ==".into()
        } else {
            true.into()
        };
        refused(body).await[field].as_array().unwrap();
    }

    let path = endpoint(&app).await;
    let change = async |url: &str| app.call_as(&app.api_key, "PATCH", &path, json!({ "url": url })).await;
    change("https://example.com/").await.refused()["url"].as_array().unwrap();
    assert_eq!(change("mailto:ada@example.com").await.ok()["url"], "mailto:ada@example.com");
    assert!(server.heard().is_empty());
}
