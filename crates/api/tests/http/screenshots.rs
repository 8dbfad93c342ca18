//! How long pictures stay, and what goes with what.

use std::time::Duration;

use axum::body::Body;
use serde_json::json;

use crate::{house::House, office};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn bot(house: &House) -> String {
    house.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await
}

async fn listed(house: &House, bot: &str) -> usize {
    let answer = house.get(&format!("/api/v1/bot/{bot}/screenshots/")).await.ok();
    answer["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_picture_goes_after_its_time_with_its_file() {
    let house = office().await;
    let screenshots = house.bots.parts().screenshots.clone();
    let (first, second) = (bot(&house).await, bot(&house).await);
    let old = house.picture_of(&first).await;
    house.jump(20 * DAY);
    let young = house.picture_of(&second).await;
    house.jump(15 * DAY);

    let swept = screenshots.sweep(house.env.now() - 30 * DAY).await.unwrap();
    assert_eq!((swept.rows, swept.files), (1, 1));
    assert_eq!((listed(&house, &first).await, listed(&house, &second).await), (0, 1));
    assert_eq!(house.get(&format!("/api/latchkey/v1/bot/{first}/screenshots/{old}")).await.status, 404);
    assert_eq!(house.get(&format!("/api/latchkey/v1/bot/{second}/screenshots/{young}")).await.status, 200);
    assert_eq!(house.picture_files(), [young]);
    let swept = screenshots.sweep(house.env.now() - 30 * DAY).await.unwrap();
    assert_eq!((swept.rows, swept.files), (0, 0));
}

#[tokio::test]
async fn deleting_a_bots_media_leaves_neither_rows_nor_files() {
    let house = office().await;
    let (deleted, kept) = (bot(&house).await, bot(&house).await);
    house.picture_of(&deleted).await;
    house.picture_of(&deleted).await;
    let left = house.picture_of(&kept).await;
    for _ in 0..2 {
        let answer = house.call("POST", &format!("/api/v1/bot/{deleted}/delete_media/"), Body::empty()).await;
        assert_eq!(answer.ok()["id"], deleted.as_str(), "and again: there is nothing more to delete");
    }
    assert_eq!((listed(&house, &deleted).await, listed(&house, &kept).await), (0, 1));
    assert_eq!(house.picture_files(), [left]);
}

/// The crash between file and row, and another server's deletion of what lies here.
#[tokio::test]
async fn a_file_without_a_row_is_swept_once_no_row_can_follow() {
    let house = office().await;
    let screenshots = house.bots.parts().screenshots.clone();
    let of = bot(&house).await;
    let orphan = house.picture_of(&of).await;
    // Only its row goes, as where another server is asked.
    let workspace = house.workspace().await;
    house.bots.parts().store.delete_screenshots(workspace, of.parse().unwrap()).await.unwrap();
    let sweep = async || screenshots.sweep(house.env.now() - 30 * DAY).await.unwrap().files;
    assert_eq!((sweep().await, house.picture_files()), (0, vec![orphan]), "its row may be about to come");
    house.jump(Duration::from_secs(3600));
    assert_eq!((sweep().await, house.picture_files()), (1, vec![]));
}
