//! Token links and pools.

use serde_json::json;
use store::Dialect;

use crate::signed_in::SignedIn;

const SECRET: &str = "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC1vZi10ZXN0cw==";

fn text_of<'p>(page: &'p str, id: &str) -> &'p str {
    let begin = format!("<pre id=\"{id}\">");
    page.split_once(&*begin).unwrap_or_else(|| panic!("{id} in {page}")).1.split_once("</pre>").unwrap().0
}

#[tokio::test]
async fn a_new_link_shows_what_to_paste_and_is_tested_like_the_platform() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let with = format!("account:{account}");
    for dialect in Dialect::ALL {
        let secret = match dialect {
            Dialect::Recall => SECRET,
            Dialect::Attendee => "Tk9ULUEtUkVBTC1TRUNSRVQtYXR0ZW5kZWUtdmVjMDE=",
            Dialect::MeetingBaas | Dialect::Bearer => "",
        };
        let dialect = dialect.as_str();
        let asked = [("dialect", dialect), ("with", &*with), ("signing_secret", secret), ("name", dialect)];
        let made = browser.post("/token-links/new", &asked).await;
        assert_eq!(
            (made.status, made.header("cache-control")),
            (200, "no-store"),
            "{dialect}: {}",
            made.text
        );
        let address = text_of(&made.text, "address").to_owned();
        assert!(text_of(&made.text, "snippet").contains(&address), "{dialect}");
        let authorization = if dialect == "bearer" { text_of(&made.text, "header") } else { "" };
        let test = [
            ("dialect", dialect),
            ("address", &*address),
            ("signing_secret", secret),
            ("authorization", authorization),
        ];
        let tested = browser.post("/token-links/test", &test).await;
        assert!(
            tested.text.contains("200 OK") && tested.text.contains("characters)"),
            "{dialect}: {}",
            tested.text
        );
        let wrong = [
            ("dialect", dialect),
            ("address", &*format!("{address}x")),
            ("signing_secret", secret),
            ("authorization", "Bearer x"),
        ];
        let refused = browser.post("/token-links/test", &wrong).await;
        assert!(!refused.text.contains("200 OK"), "{dialect}: {}", refused.text);
    }
    let list = browser.page("/token-links").await;
    assert!(list.contains("Recall.ai") && list.contains("Hana Host") && !list.contains("/t/"), "{list}");
    let audit = browser.page("/audit").await;
    assert_eq!(audit.matches("Given").count(), Dialect::ALL.len(), "tests are audited: {audit}");
    for page in [audit, browser.page(&format!("/accounts/{account}")).await] {
        let named = |dialect: Dialect| page.contains(&format!(">Token link {}</a>", dialect.as_str()));
        assert!(Dialect::ALL.into_iter().all(named), "{page}");
    }
}

#[tokio::test]
async fn a_refused_request_is_on_the_links_page_with_its_cause() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let with = format!("account:{account}");
    let asked = [("dialect", "recall"), ("with", &*with), ("signing_secret", SECRET), ("name", "notes")];
    let made = browser.post("/token-links/new", &asked).await;
    let address = text_of(&made.text, "address").to_owned();
    let links = browser.app.get("/api/latchkey/v1/token-links/").await.ok();
    let page = format!("/token-links/{}", links["results"][0]["id"].as_str().unwrap());
    assert!(browser.page(&page).await.contains("Waiting for the first request"));
    let other = "whsec_YW5vdGhlci1wbGFudGVkLXNpZ25pbmctc2VjcmV0";
    let test = [("dialect", "recall"), ("address", &*address), ("signing_secret", other)];
    let tested = browser.post("/token-links/test", &test).await;
    assert!(tested.text.contains("401 Unauthorized"), "{}", tested.text);
    let shown = browser.page(&page).await;
    assert!(!shown.contains("Waiting for the first request"), "{shown}");
    for words in ["signature_invalid", "give both sides the same secret", "The last request was refused"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[tokio::test]
async fn a_test_keeps_the_address_and_marks_an_invalid_secret() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let asked = [("dialect", "recall"), ("with", &*format!("account:{account}")), ("signing_secret", SECRET)];
    let made = browser.post("/token-links/new", &asked).await;
    let address = text_of(&made.text, "address").to_owned();
    let kept = format!("value=\"{address}\"");
    let test = async |secret: &str| {
        let test = [("dialect", "recall"), ("address", &*address), ("signing_secret", secret)];
        browser.post("/token-links/test", &test).await
    };
    let refused = test("planted-no-secret").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("aria-describedby=\"wrong-signing_secret\""), "{}", refused.text);
    assert!(!refused.text.contains("wrong-address") && refused.text.contains(&kept), "{}", refused.text);
    let done = test(SECRET).await;
    assert!(done.text.contains("200 OK") && done.text.contains(&kept), "{}", done.text);
    for answer in [refused, done] {
        assert!(!answer.text.contains("planted") && !answer.text.contains(SECRET), "{}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn only_links_of_this_server_are_tested() {
    let browser = SignedIn::new().await;
    for address in
        ["https://evil.test/t/x.y", "https://latchkey.test/base/api/v1/bot/", "http://127.0.0.1:1/t/x", ""]
    {
        let answer =
            browser.post("/token-links/test", &[("dialect", "meeting_baas"), ("address", address)]).await;
        assert!(
            answer.text.contains("must be one of this server&#39;s token links"),
            "{address}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_link_is_revoked() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let link = json!({ "credential": account, "name": "notes" });
    let link = browser.app.post("/api/latchkey/v1/token-links/", link).await.created()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/token-links/{link}");
    assert!(browser.page(&path).await.contains("Waiting for the first request"));
    browser.done(&format!("{path}/revoke"), &[]).await;
    let page = browser.page(&path).await;
    assert!(page.contains("Revoked") && !page.contains("/revoke\""), "{page}");
}

#[tokio::test]
async fn a_pool_is_made_filled_and_its_seats_are_seen_and_released() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let to = browser.done("/pools", &[("name", "note takers")]).await;
    let path = to.split_once('?').unwrap().0.to_owned();
    let answer = browser.post("/pools", &[("name", "note takers")]).await;
    assert!(
        answer.status == 400 && answer.text.contains("already has a pool with this name"),
        "{}",
        answer.text
    );
    let answer =
        browser.post(&format!("{path}/members"), &[("credential", &account), ("max_joins", "0")]).await;
    assert!(answer.status == 400 && answer.text.contains("wrong-max_joins"), "{}", answer.text);
    browser.done(&format!("{path}/members"), &[("credential", &account), ("max_joins", "2")]).await;
    let pool = path.rsplit('/').next().unwrap();
    let request = broker::PoolSeatRequest {
        pool: pool.parse().unwrap(),
        meeting: None,
        holder: "bot-of-a-platform",
        hosting: broker::Hosting::Never,
        until: browser.app.env.now() + std::time::Duration::from_secs(60),
    };
    browser.app.broker.pools.take_seat(browser.app.workspace().await, &request).await.unwrap();
    let page = browser.page(&path).await;
    assert!(page.contains("bot-of-a-platform") && page.contains("1 of 2"), "{page}");
    assert!(browser.page("/").await.contains("1 of 2"));
    let seat = page.split_once("name=\"seat\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    assert_eq!(
        browser.done(&format!("{path}/release"), &[("seat", &seat)]).await,
        format!("{path}?said=released")
    );
    assert!(browser.page(&path).await.contains("All seats are free"));
    browser.done(&format!("{path}/remove-member"), &[("credential", &account)]).await;
    browser.done(&format!("{path}/rename"), &[("name", "others")]).await;
    assert!(browser.page("/pools").await.contains("others"));
    assert_eq!(browser.done(&format!("{path}/remove"), &[]).await, "/pools?said=pool-removed");
}
