//! Seats of pools for starting meetings: an account can host one meeting at a time, or two.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{
    app,
    meetings::{may_list_meetings, meeting},
    test_app::{Answer, TestApp},
};

/// A pool, and links that use it.
struct Fixture {
    app: TestApp,
    pool: String,
    members: [String; 2],
}

impl Fixture {
    /// A pool with the host of all meetings, who may host one at once, and Eve.
    async fn new() -> Self {
        let app = app().await;
        may_list_meetings(&app).await;
        let host = app.connect(app.zoom.host()).await;
        let eve = app.connect(&app.zoom.user("eve@example.test", "Eve").await).await;
        let members = json!([{ "credential": host, "max_joins": 9 }]);
        let pool = json!({ "name": "hosts", "members": members });
        let pool = app.post("/api/latchkey/v1/pools/", pool).await.created();
        let pool = pool["id"].as_str().unwrap().to_owned();
        Self { app, pool, members: [host, eve] }
    }

    async fn link(&self, changes: Value) -> String {
        let mut link = json!({ "pool": self.pool, "verification": "unsigned", "meeting_in_request": true,
                               "kinds": ["zak", "access_token"] });
        link.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let made = self.app.post("/api/latchkey/v1/token-links/", link).await.created();
        self.app.path_of(made["url"].as_str().unwrap())
    }

    async fn fetch(&self, link: &str, query: &str) -> Answer {
        let request = Request::builder().uri(format!("{link}?{query}"));
        self.app.send(request.body(Body::empty()).unwrap()).await
    }

    async fn put(&self, member: usize, hosted: u32) {
        let member = json!({ "credential": self.members[member], "max_joins": 9, "max_hosted": hosted });
        self.app.post(&format!("/api/latchkey/v1/pools/{}/members/", self.pool), member).await.ok();
    }

    /// How many meetings each member has joined, and how many it hosts.
    async fn seats(&self) -> Vec<(u64, u64)> {
        let pool = self.app.get(&format!("/api/latchkey/v1/pools/{}/", self.pool)).await.ok();
        let members = pool["members"].as_array().unwrap();
        let of = |account: &String| members.iter().find(|member| member["credential"] == **account);
        let count = |member: &Value, what: &str| member[what].as_u64().unwrap();
        let found = self.members.iter().filter_map(of);
        found.map(|member| (count(member, "joins"), count(member, "hosted"))).collect()
    }
}

#[tokio::test]
async fn the_hosts_zak_makes_a_participant_the_host() {
    let fixture = Fixture::new().await;
    let (one, two) = (meeting(&fixture.app).await, meeting(&fixture.app).await);
    fixture.app.list_meetings().await;
    let link = fixture.link(json!({})).await;
    for _ in 0..2 {
        assert_eq!(fixture.fetch(&link, &format!("bot=a&meeting={one}")).await.status, 200);
        assert_eq!(fixture.seats().await, [(1, 1)], "known from the map");
    }
    let busy = fixture.fetch(&link, &format!("bot=b&meeting={two}")).await;
    assert_eq!((busy.status, busy.header("retry-after")), (429, "60"));
    let words = "host_busy: 1 of 9 seats taken, 1 of 1 accounts usable, 1 of them hosting as many meetings as they may; ";
    assert!(busy.text.starts_with(words), "{}", busy.text);
    // Only a ZAK starts a meeting, and only the ZAK of its host.
    assert_eq!(fixture.fetch(&link, &format!("bot=b&meeting={two}&kind=access_token")).await.status, 200);
    assert_eq!(fixture.fetch(&link, "bot=c&meeting=99912345678").await.status, 200);
    assert_eq!(fixture.seats().await, [(3, 1)]);
    // Another account joins as a participant.
    fixture.put(1, 1).await;
    assert_eq!(fixture.fetch(&link, &format!("bot=d&meeting={one}")).await.status, 200);
    assert_eq!(fixture.seats().await, [(3, 1), (1, 0)]);
    let three = meeting(&fixture.app).await;
    fixture
        .app
        .post(&format!("/api/v2/zoom-oauth-credentials/{}/sync-meetings/", fixture.members[0]), json!({}))
        .await;
    fixture.app.list_meetings().await;
    assert_eq!(fixture.fetch(&link, &format!("bot=e&meeting={three}")).await.status, 200);
    assert_eq!(fixture.seats().await, [(3, 1), (2, 0)], "although it is the busier one");
}

#[tokio::test]
async fn a_link_for_starting_meetings_uses_members_that_may_host() {
    let fixture = Fixture::new().await;
    let hosted = meeting(&fixture.app).await;
    fixture.app.list_meetings().await;
    let link = fixture.link(json!({ "hosting": true })).await;
    assert_eq!(fixture.fetch(&link, &format!("bot=a&meeting={hosted}")).await.status, 200);
    fixture.put(1, 2).await;
    // The hosts of these meetings are unknown.
    for (query, seats) in [("bot=b&meeting=99912345678", [(1, 1), (1, 1)]), ("bot=c", [(1, 1), (2, 2)])] {
        assert_eq!(fixture.fetch(&link, query).await.status, 200, "{query}");
        assert_eq!(fixture.seats().await, seats, "{query}");
    }
    assert_eq!(fixture.fetch(&link, "bot=d").await.status, 429);
    // This host is known, and is not in the pool.
    let only_eve =
        json!({ "members": [{ "credential": fixture.members[1], "max_joins": 9, "max_hosted": 2 }] });
    let change = fixture.app.request("PATCH", &format!("/api/latchkey/v1/pools/{}/", fixture.pool));
    let change = change.header("content-type", "application/json").body(Body::from(only_eve.to_string()));
    fixture.app.send(change.unwrap()).await.ok();
    let refused = fixture.fetch(&link, &format!("bot=e&meeting={hosted}")).await;
    let words = "token_not_available: no account of the pool is known to host this meeting; ";
    assert_eq!((refused.status, refused.text.starts_with(words)), (422, true), "{}", refused.text);
}
