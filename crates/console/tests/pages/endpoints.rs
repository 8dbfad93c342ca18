//! Endpoints of each kind.

use webhooks::{MailSettings, MailTls};

use crate::{
    PLAN,
    signed_in::SignedIn,
    test_app::{Plan, TestApp},
};

const ENDPOINTS: &str = "/api/latchkey/v1/webhook-endpoints/";

/// A server that can send mail: no SMTP server listens, so nothing is delivered.
async fn with_mail() -> SignedIn {
    let mail = MailSettings {
        host: "localhost".to_owned(),
        port: 1,
        tls: MailTls::None,
        login: None,
        from: "Latchkey <latchkey@example.com>".to_owned(),
        allow_domains: vec!["northwind.example".to_owned()],
        authority: None,
    };
    let app = TestApp::build(&Plan { mail: Some(mail), ..PLAN }).await;
    let key = app.api_key.clone();
    SignedIn::with_key(app, &key).await
}

#[tokio::test]
async fn each_kind_of_endpoint_is_added_with_its_own_fields() {
    let browser = with_mail().await;
    for (kind, field, signed) in
        [("webhook", "url", true), ("slack", "url", false), ("email", "email", false)]
    {
        let page = browser.page(&format!("/events?kind={kind}")).await;
        assert!(page.contains(&format!("name=\"kind\" value=\"{kind}\"")), "{kind}: {page}");
        assert!(page.contains(&format!("name=\"url\" type=\"{field}\"")), "{kind}: {page}");
        assert_eq!(page.contains("svix_headers"), signed, "{kind}");
        assert_eq!(page.contains("(every type, if none is ticked)"), signed, "{kind}");
    }
    let asked = [("kind", "webhook"), ("url", "https://hooks.example.com/latchkey"), ("svix_headers", "1")];
    let made = browser.post("/events", &asked).await;
    assert!(made.status == 200 && made.text.contains("whsec_"), "its secret is shown: {}", made.text);

    for (kind, url, shown, sent) in [
        (
            "slack",
            "https://hooks.slack.com/services/T0/B0/planted9Key8Of7A6Channel5",
            "https://hooks.slack.com/",
            "to a Slack channel",
        ),
        ("email", "ops@northwind.example", ">ops@northwind.example<", "by e-mail"),
    ] {
        let to = browser.done("/events", &[("kind", kind), ("url", url), ("description", "On call")]).await;
        let page = browser.page(&to).await;
        assert!(
            page.contains("The endpoint is added") && page.contains(shown) && page.contains(sent),
            "{page}"
        );
        assert!(
            !page.contains("signing secret") && !page.contains("planted") && !page.contains("mailto:"),
            "{page}"
        );
        let path = to.replace("/events/", ENDPOINTS).replace("?said=endpoint-added", "/");
        let made = browser.app.get(&path).await.ok();
        assert_eq!(made["kind"], kind);
        let types = made["event_types"].as_array().unwrap();
        assert!(
            types.iter().any(|one| one == "bot.fatal") && !types.iter().any(|one| one == "bot.done"),
            "{types:?}"
        );
        let ticked = [("kind", kind), ("url", url), ("event_types", "bot.done")];
        let to = browser.done("/events", &ticked).await;
        assert!(browser.page(&to).await.contains("<dd>bot.done</dd>"), "what is ticked counts");
    }
    let list = browser.page("/events").await;
    assert!(
        list.contains("<span class=\"tag\">e-mail</span>")
            && list.contains("<span class=\"tag\">Slack</span>"),
        "{list}"
    );
}

#[tokio::test]
async fn a_refused_endpoint_keeps_its_kind_and_says_what_is_wrong() {
    let browser = SignedIn::new().await;
    let refused = browser.post("/events", &[("kind", "email"), ("url", "ops@northwind.example")]).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("id=\"wrong-kind\"") && refused.text.contains("[mail]"),
        "{}",
        refused.text
    );
    assert!(
        refused.text.contains("type=\"email\" required value=\"ops@northwind.example\""),
        "{}",
        refused.text
    );
    let browser = with_mail().await;
    let refused = browser.post("/events", &[("kind", "email"), ("url", "ops@elsewhere.example")]).await;
    assert!(refused.status == 400 && refused.text.contains("id=\"wrong-url\""), "{}", refused.text);
    let refused =
        browser.post("/events", &[("kind", "slack"), ("url", "mailto:ops@northwind.example")]).await;
    assert!(refused.status == 400 && refused.text.contains("id=\"wrong-url\""), "{}", refused.text);
}
