//! How long pictures stay, and what goes with what.

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
async fn a_picture_goes_after_its_time_with_its_file() {
    let app = app().await;
    let screenshots = app.bots.screenshots().clone();
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

/// The crash between file and row, and another server's deletion of what lies here.
#[tokio::test]
async fn a_file_without_a_row_is_swept_once_no_row_can_follow() {
    let app = app().await;
    let screenshots = app.bots.screenshots().clone();
    let of = bot(&app).await;
    let orphan = app.picture_of(&of).await;
    // Only its row goes, as where another server is asked.
    let workspace = app.workspace().await;
    app.store.delete_screenshots(workspace, of.parse().unwrap()).await.unwrap();
    let sweep = async || screenshots.sweep(app.env.now() - 30 * DAY).await.unwrap().files;
    assert_eq!((sweep().await, app.picture_files()), (0, vec![orphan]), "its row may be about to come");
    app.jump(Duration::from_secs(3600));
    assert_eq!((sweep().await, app.picture_files()), (1, vec![]));
}
