//! How long screenshots are stored, and what is deleted with them.

use std::time::Duration;

use axum::body::Body;
use serde_json::json;

use crate::{app, test_app::TestApp};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn bot(app: &TestApp) -> String {
    app.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await
}

async fn listed(app: &TestApp, bot: &str) -> usize {
    let answer = app.get(&format!("/api/v1/bot/{bot}/screenshots/")).await.ok();
    answer["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_expired_screenshot_is_deleted_with_its_file() {
    let app = app().await;
    let screenshots = app.bots.screenshots.clone();
    let (first, second) = (bot(&app).await, bot(&app).await);
    let old = app.picture_of(&first).await;
    app.jump(20 * DAY);
    let young = app.picture_of(&second).await;
    app.jump(15 * DAY);

    let swept = screenshots.sweep(app.env.now() - 30 * DAY).await.unwrap();
    assert_eq!((swept.rows, swept.files), (1, 1));
    assert_eq!((listed(&app, &first).await, listed(&app, &second).await), (0, 1));
    assert_eq!(app.get(&format!("/api/latchkey/v1/bot/{first}/screenshots/{old}")).await.status, 404);
    assert_eq!(app.get(&format!("/api/latchkey/v1/bot/{second}/screenshots/{young}")).await.status, 200);
    assert_eq!(app.picture_files(), [young]);
    let swept = screenshots.sweep(app.env.now() - 30 * DAY).await.unwrap();
    assert_eq!((swept.rows, swept.files), (0, 0));
}

#[tokio::test]
async fn deleting_a_bots_media_leaves_neither_rows_nor_files() {
    let app = app().await;
    let (deleted, kept) = (bot(&app).await, bot(&app).await);
    app.picture_of(&deleted).await;
    app.picture_of(&deleted).await;
    let left = app.picture_of(&kept).await;
    for _ in 0..2 {
        let answer = app.call("POST", &format!("/api/v1/bot/{deleted}/delete_media/"), Body::empty()).await;
        assert_eq!(answer.ok()["id"], deleted.as_str(), "and again: there is nothing more to delete");
    }
    assert_eq!((listed(&app, &deleted).await, listed(&app, &kept).await), (0, 1));
    assert_eq!(app.picture_files(), [left]);
}

/// As an `<img>` fetches it: with only the address.
#[tokio::test]
async fn an_address_of_the_list_shows_its_picture_for_six_hours() {
    let app = app().await;
    let (of, other) = (bot(&app).await, bot(&app).await);
    app.picture_of(&of).await;
    app.picture_of(&of).await;
    let listed = app.get(&format!("/api/v1/bot/{of}/screenshots/")).await.ok();
    let address = |index: usize| app.path_of(listed["results"][index]["url"].as_str().unwrap());
    let fetch = async |path: &str| {
        app.send(axum::http::Request::builder().uri(path).body(Body::empty()).unwrap()).await
    };
    let (first, second) = (address(0), address(1));
    let shown = fetch(&first).await;
    assert_eq!((shown.status, shown.header("content-type")), (200, "image/png"));

    let (path, query) = first.split_once('?').unwrap();
    assert_eq!(fetch(path).await.status, 401, "without the token a key is needed");
    let token = query.split_once("token=").unwrap().1;
    let workspace = query.split('&').next().unwrap();
    let (second_path, _) = second.split_once('?').unwrap();
    for wrong in [
        format!("{second_path}?{query}"),
        format!("{}?{query}", path.replace(&of, &other)),
        format!("{path}?{workspace}&token={}", &token[..token.len() - 2]),
        format!("{path}?token={token}"),
        format!("{path}?{workspace}&token="),
    ] {
        let refused = fetch(&wrong).await;
        assert_eq!(refused.status, 403, "{wrong}");
        assert_eq!(refused.json()["code"], "address_invalid");
    }

    app.jump(Duration::from_secs(6 * 3600 - 1));
    assert_eq!(fetch(&first).await.status, 200);
    app.jump(Duration::from_secs(1));
    let expired = fetch(&first).await;
    assert_eq!((expired.status, &expired.json()["code"]), (410, &json!("address_expired")));
    assert!(expired.json()["detail"].as_str().unwrap().contains("list again"), "{}", expired.text);
    // Adding an API key to the same address does not help: the token decides.
    assert_eq!(app.get(&first).await.status, 410);
    assert_eq!(app.get(path).await.status, 200);
}

/// After a crash between writing the file and the row, or when another server deletes a row whose file is here.
#[tokio::test]
async fn a_file_without_a_row_is_swept_once_no_row_can_follow() {
    let app = app().await;
    let screenshots = app.bots.screenshots.clone();
    let of = bot(&app).await;
    let orphan = app.picture_of(&of).await;
    // Only the row is deleted, as if another server had received the call.
    let workspace = app.workspace().await;
    app.store.delete_screenshots(workspace, of.parse().unwrap()).await.unwrap();
    let sweep = async || screenshots.sweep(app.env.now() - 30 * DAY).await.unwrap().files;
    assert_eq!((sweep().await, app.picture_files()), (0, vec![orphan]), "its row may be about to come");
    app.jump(Duration::from_secs(3600));
    assert_eq!((sweep().await, app.picture_files()), (1, vec![]));
}

/// A host who switches a bot's camera on and off cannot fill the disk.
#[tokio::test]
async fn a_bot_stores_at_most_300_screenshots() {
    let app = app().await;
    let (bot, other) = (bot(&app).await, bot(&app).await);
    for _ in 0..300 {
        app.picture_of(&bot).await;
    }
    let screenshots = app.bots.screenshots.clone();
    assert_eq!(screenshots.store(bot.parse().unwrap(), b"\x89PNG").await, None);
    assert_eq!((listed(&app, &bot).await, app.picture_files().len()), (300, 300));
    app.picture_of(&other).await;
}

#[tokio::test]
async fn an_incomplete_address_is_answered_like_a_wrong_one() {
    let app = app().await;
    for query in ["", "?bot=x&workspace=y&token=z", "?token=z"] {
        let answer = app.get(&format!("/api/v1/download/transcript/{query}")).await;
        assert_eq!((answer.status, answer.json()), (404, json!({ "detail": "Not found." })), "{query}");
    }
}
