//! Buttons and filters of each page: what each does, as the API shows it afterwards.

use std::time::Duration;

use serde_json::{Value, json};

use crate::signed_in::SignedIn;

const ENDPOINTS: &str = "/api/latchkey/v1/webhook-endpoints/";

fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_endpoint_is_tested_switched_rotated_replayed_resent_and_removed() {
    let browser = SignedIn::new().await;
    // No address may be called here: nothing is sent.
    let endpoint = json!({ "url": "https://endpoint.invalid/", "enabled": false });
    let endpoint = id_of(&browser.app.post(ENDPOINTS, endpoint).await.created());
    let page = format!("/events/{endpoint}");
    let shown = async || browser.app.get(&format!("{ENDPOINTS}{endpoint}/")).await.ok();
    let told = async || {
        let list = browser.app.get(&format!("{ENDPOINTS}{endpoint}/deliveries/")).await.ok();
        list["results"].as_array().unwrap().clone()
    };
    assert_eq!(browser.done(&format!("{page}/test"), &[]).await, format!("{page}?said=tested"));
    let deliveries = told().await;
    let [test] = deliveries.as_slice() else { panic!("{deliveries:?}") };
    assert!(browser.page(&page).await.contains(test["event_type"].as_str().unwrap()));

    let resent =
        browser.done(&format!("{page}/deliveries/{}/retry", test["event"].as_str().unwrap()), &[]).await;
    assert_eq!(resent, format!("{page}?said=resent"));
    for (form, enabled) in [(&[("on", "1")][..], true), (&[], false)] {
        assert_eq!(
            browser.done(&format!("{page}/switch"), form).await,
            format!("{page}?said=endpoint-changed")
        );
        assert_eq!(shown().await["state"] == "enabled", enabled);
    }
    let rotated = browser.post(&format!("{page}/rotate"), &[]).await;
    assert!(rotated.status == 200 && rotated.text.contains("<pre id=\"secret\">whsec_"), "{}", rotated.text);
    assert_eq!(shown().await["former_secrets_end_at"].as_array().unwrap().len(), 1);
    assert!(!browser.page(&page).await.contains("whsec_"), "it is shown once");

    let day = browser.app.env.now().to_string();
    let replayed = browser.done(&format!("{page}/replay"), &[("since", day.get(..10).unwrap())]).await;
    assert_eq!(replayed, format!("{page}?said=replayed"));
    assert_eq!(browser.done(&format!("{page}/remove"), &[]).await, "/events?said=endpoint-removed");
    assert_eq!(browser.app.get(&format!("{ENDPOINTS}{endpoint}/")).await.status, 404);
    assert_eq!(browser.get(&page).await.status, 404);
}

#[tokio::test]
async fn settings_replace_secrets_remove_an_app_and_save_choices() {
    let browser = SignedIn::new().await;
    let app = format!("/settings/apps/{}", browser.app.zoom_app);
    let log = format!("/api/v2/zoom-oauth-app-logs/?oauth_app={}", browser.app.zoom_app);
    let secrets = [("client_secret", "planted-new-secret"), ("webhook_secret", "planted-new-token")];
    assert_eq!(browser.done(&app, &secrets).await, "/settings?said=app-changed");
    assert_eq!(browser.app.get(&log).await.ok()["results"][0]["message"], "secrets replaced");
    assert!(!browser.page("/settings").await.contains("planted"));

    let callback = "/api/latchkey/v1/callback-secret/";
    let before = browser.app.get(callback).await.ok();
    let made = browser.post("/settings/callback-secret", &[]).await;
    let after = browser.app.get(callback).await.ok();
    assert!(made.status == 200 && made.header("cache-control") == "no-store");
    let secret = after["secret"].as_str().unwrap();
    assert!(secret != before["secret"].as_str().unwrap());
    assert!(made.text.contains(&format!("<pre id=\"callback\">{secret}</pre>")), "{}", made.text);
    assert!(!browser.page("/settings").await.contains(secret), "it is shown once");

    let chosen = browser.done("/settings", &[("second_authorization", "conflict")]).await;
    assert_eq!(chosen, "/settings?said=settings-changed");
    let settings = browser.app.get("/api/latchkey/v1/settings/").await.ok();
    assert_eq!(settings, json!({ "second_authorization": "conflict", "ignored_fields": "name" }));
    browser.done("/settings", &[("ignored_fields", "refuse")]).await;
    let settings = browser.app.get("/api/latchkey/v1/settings/").await.ok();
    assert_eq!(settings, json!({ "second_authorization": "conflict", "ignored_fields": "refuse" }));
    assert!(browser.page("/settings").await.contains("<option value=\"refuse\" selected>"));

    assert_eq!(browser.done(&format!("{app}/remove"), &[]).await, "/settings?said=app-removed");
    assert_eq!(browser.app.get("/api/v2/zoom-oauth-apps/").await.ok()["results"], json!([]));
}

#[tokio::test]
async fn an_operators_key_sees_the_workspaces_of_the_installation_and_no_other_does() {
    let browser = SignedIn::new().await;
    browser.app.another_workspace().await;
    assert!(!browser.page("/settings").await.contains("Workspaces of this installation"));
    let key = browser.app.key_with("read,operator").await;
    let browser = SignedIn::with_key(browser.app, &key).await;
    let page = browser.page("/settings").await;
    let (_, table) = page.split_once("Workspaces of this installation").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    assert_eq!(table.matches("<tr><td>").count(), 2, "{table}");
    assert!(table.contains("<td>other"), "{table}");
    assert_eq!(table.matches("this one").count(), 1, "{table}");
}

#[tokio::test]
async fn setup_registers_an_app_and_keeps_the_values_of_a_refused_one() {
    let browser = SignedIn::new().await;
    let typed = [("kind", "user_level"), ("client_id", "typed & kept"), ("client_secret", "planted-secret")];
    let refused = browser.post("/setup", &typed).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("value=\"typed &#38; kept\""), "{}", refused.text);
    assert!(refused.text.contains("wrong-webhook_secret") && !refused.text.contains("planted"));
    let typed = [("webhook_secret", "planted-token"), ("client_id", "another-app"), typed[0], typed[2]];
    assert_eq!(browser.done("/setup", &typed).await, "/setup?said=app-added");
    assert!(browser.page("/setup").await.contains("<code>another-app</code>"));
}

#[tokio::test]
async fn setup_shows_zooms_check_of_an_app() {
    let browser = SignedIn::new().await;
    let app = browser.app.zoom_app.clone();
    let check = async |id: &str| browser.post(&format!("/setup/apps/{id}/check"), &[]).await.text;
    let page = check(&app).await;
    assert!(page.contains("Zoom accepts its id and secret, and asks for consent"), "{page}");
    let wrong = [
        ("kind", "user_level"),
        ("client_id", "nobodys-app"),
        ("client_secret", "s"),
        ("webhook_secret", "w"),
    ];
    browser.done("/setup", &wrong).await;
    let apps = browser.app.get("/api/v2/zoom-oauth-apps/").await.ok();
    let of = |app: &&serde_json::Value| app["client_id"] == "nobodys-app";
    let id = apps["results"].as_array().unwrap().iter().find(of).unwrap()["id"].as_str().unwrap().to_owned();
    let page = check(&id).await;
    assert!(page.contains("Zoom's check of nobodys-app"), "{page}");
    assert!(page.contains("Zoom refuses the app&#39;s id and secret. Copy id and secret again"), "{page}");
}

#[tokio::test]
async fn an_account_is_checked_at_zoom() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let checked = browser.done(&format!("/accounts/{account}/check"), &[]).await;
    assert_eq!(checked, format!("/accounts/{account}?said=checked"));
    assert!(browser.page(&checked).await.contains("validated: it works"));
}

#[tokio::test]
async fn a_bot_leaves_on_command_and_its_evidence_is_a_zip() {
    let browser = SignedIn::new().await;
    let bot = json!({ "meeting_url": "https://zoom.us/j/81234567890", "bot_name": "Notes" });
    let bot = id_of(&browser.app.post("/api/v1/bot/", bot).await.created());
    let page = format!("/bots/{bot}");
    // As if a server had started it.
    browser.app.in_the_store("UPDATE bots SET status = 'joining_call'").await;
    browser.app
        .in_the_store(
            "INSERT INTO bot_steps (bot, step, code, sub_code, message, created_at) SELECT id, 1, 'joining_call', NULL, NULL, created_at + 1000 FROM bots",
        )
        .await;
    assert!(browser.page(&page).await.contains("Leave the meeting"));
    assert_eq!(browser.done(&format!("{page}/leave"), &[]).await, format!("{page}?said=leaving"));
    let row =
        browser.app.store.bot(browser.app.workspace().await, bot.parse().unwrap()).await.unwrap().unwrap();
    assert!(row.leave_requested_at.is_some());
    let zip = browser.get(&format!("{page}/evidence.zip")).await;
    assert_eq!((zip.status, zip.header("content-type")), (200, "application/zip"));
    assert!(zip.header("content-disposition").contains(&format!("bot-{bot}.zip")));
}

#[tokio::test]
async fn bots_are_found_by_their_meeting() {
    let browser = SignedIn::new().await;
    let later = browser.app.env.now() + Duration::from_secs(7200);
    for (number, name) in [("81234567890", "First"), ("81234567891", "Second")] {
        let bot = json!({
            "meeting_url": format!("https://zoom.us/j/{number}?pwd=abc"), "bot_name": name, "join_at": later,
        });
        browser.app.post("/api/v1/bot/", bot).await.created();
    }
    let found = browser.page("/bots?meeting=https%3A%2F%2Fzoom.us%2Fj%2F81234567891%3Fpwd%3Dabc").await;
    assert!(found.contains(">Second</a>") && !found.contains(">First</a>"), "{found}");
    assert!(found.contains("value=\"https://zoom.us/j/81234567891?pwd=abc\""), "the filter stays: {found}");
}

#[tokio::test]
async fn the_audit_is_filtered_by_token_link_and_time() {
    let browser = SignedIn::new().await;
    let account = browser.app.connect(browser.app.zoom.host()).await;
    let link = json!({ "credential": account, "name": "Nightly job", "dialect": "meeting_baas" });
    let link = browser.app.post("/api/latchkey/v1/token-links/", link).await.created();
    let fetched = browser.app.get(&browser.app.path_of(link["url"].as_str().unwrap())).await;
    assert_eq!(fetched.status, 200, "{}", fetched.text);
    let token = format!("/api/v2/zoom-oauth-credentials/{account}/access-token/");
    assert_eq!(browser.app.get(&token).await.status, 200);
    let (zak, access) = ("<td data-label=\"Token\">ZAK</td>", "<td data-label=\"Token\">ACCESS TOKEN</td>");
    let both = browser.page("/audit").await;
    assert!(both.contains(zak) && both.contains(access), "{both}");
    let of_link = browser.page(&format!("/audit?token_link={}", id_of(&link))).await;
    assert!(of_link.contains(zak) && !of_link.contains(access), "{of_link}");
    let day = |days: u64| {
        let at = browser.app.env.now() + Duration::from_secs(days * 24 * 3600);
        at.to_string().get(..10).unwrap().to_owned()
    };
    let until_tomorrow = browser.page(&format!("/audit?since={}&until={}", day(0), day(1))).await;
    assert!(until_tomorrow.contains(zak) && until_tomorrow.contains(access), "{until_tomorrow}");
    for nothing in [format!("since={}", day(1)), format!("until={}", day(0))] {
        assert!(browser.page(&format!("/audit?{nothing}")).await.contains("No record matches"), "{nothing}");
    }
}
