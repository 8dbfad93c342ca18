//! The shared state of Zoom's limits.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::LeaseToken;

use crate::{CALLERS, Conformance, ROUNDS};
use store::{LimitShare, ZoomLimit};

fn unknown(suite: &Conformance, lane: &str) -> ZoomLimit {
    ZoomLimit {
        lane: lane.into(),
        version: 0,
        per_second: None,
        strain: 0,
        strained_at: None,
        blocked_until: None,
        shares: Vec::new(),
        changed_at: suite.env.now(),
    }
}

fn share(suite: &Conformance, slots: u32) -> LimitShare {
    let lapses_at = suite.env.now() + Duration::from_secs(30);
    LimitShare { holder: LeaseToken::generate(&suite.env), slots, wanted: slots + 1, lapses_at }
}

pub async fn a_limit_is_read_back_unchanged(suite: &Conformance) {
    let lane = "rest/light/Zoë’s account";
    assert_eq!(suite.store.zoom_limit(lane).await.unwrap(), None);
    let first = unknown(suite, lane);
    assert!(suite.store.replace_zoom_limit(&first).await.unwrap());
    let stored = ZoomLimit { version: 1, ..first };
    assert_eq!(suite.store.zoom_limit(lane).await.unwrap(), Some(stored.clone()));

    let full = ZoomLimit {
        per_second: Some(30),
        strain: 2,
        strained_at: Some(suite.env.now()),
        blocked_until: Some(suite.env.now() + Duration::from_micros(1)),
        shares: vec![share(suite, 20), share(suite, 0)],
        ..stored
    };
    assert!(suite.store.replace_zoom_limit(&full).await.unwrap());
    assert_eq!(suite.store.zoom_limit(lane).await.unwrap(), Some(ZoomLimit { version: 2, ..full }));
    assert_eq!(suite.store.zoom_limit("rest/light/another").await.unwrap(), None);
}

pub async fn a_limit_is_not_overwritten_from_an_old_version(suite: &Conformance) {
    let first = unknown(suite, "lane");
    assert!(suite.store.replace_zoom_limit(&first).await.unwrap());
    let late = ZoomLimit { shares: vec![share(suite, 4)], ..first.clone() };
    assert!(!suite.store.replace_zoom_limit(&late).await.unwrap(), "it already exists");
    let early = ZoomLimit { version: 2, ..late.clone() };
    assert!(!suite.store.replace_zoom_limit(&early).await.unwrap(), "that version does not exist yet");
    assert_eq!(suite.store.zoom_limit("lane").await.unwrap(), Some(ZoomLimit { version: 1, ..first }));
    let gone = ZoomLimit { version: 1, lane: "never stored".into(), ..late };
    assert!(!suite.store.replace_zoom_limit(&gone).await.unwrap());
}

pub async fn one_of_several_concurrent_writers_is_first(suite: &Conformance) {
    let mut known = unknown(suite, "lane");
    for round in 1..=ROUNDS {
        let takers: Vec<_> = (0..CALLERS)
            .map(|taker| {
                let mine = share(suite, u32::try_from(taker).unwrap());
                ZoomLimit { shares: vec![mine], ..known.clone() }
            })
            .collect();
        let taken = join_all(takers.iter().map(|limit| suite.store.replace_zoom_limit(limit))).await;
        let firsts: Vec<_> = takers.iter().zip(taken).filter(|(_, taken)| *taken.as_ref().unwrap()).collect();
        assert_eq!(firsts.len(), 1, "round {round}");
        known = suite.store.zoom_limit("lane").await.unwrap().unwrap();
        assert_eq!(known.shares, firsts[0].0.shares, "and its change stays");
        assert_eq!(known.version, i64::try_from(round).unwrap());
    }
}

pub async fn unused_limits_are_deleted(suite: &Conformance) {
    let old = unknown(suite, "old");
    let now = suite.env.now() + Duration::from_secs(1);
    let new = ZoomLimit { changed_at: now, ..unknown(suite, "new") };
    for limit in [&old, &new] {
        assert!(suite.store.replace_zoom_limit(limit).await.unwrap());
    }
    assert_eq!(suite.store.forget_zoom_limits(now).await.unwrap(), 1);
    assert_eq!(suite.store.zoom_limit("old").await.unwrap(), None);
    assert!(suite.store.zoom_limit("new").await.unwrap().is_some());
    assert!(!suite.store.replace_zoom_limit(&ZoomLimit { version: 1, ..old.clone() }).await.unwrap());
    assert!(suite.store.replace_zoom_limit(&old).await.unwrap(), "it starts at the first version again");
}
