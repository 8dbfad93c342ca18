//! Requests with idempotency keys.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::IdempotentRequestId;

use super::{Bench, CALLERS, ROUNDS};
use crate::{FirstOrAgain, IdempotentRequest, Lease};

const HOUR: Duration = Duration::from_secs(3600);

async fn request(bench: &Bench) -> IdempotentRequest {
    let workspace = bench.workspace().await;
    let id = IdempotentRequestId::of_hash(bench.env.entropy.bytes());
    IdempotentRequest { id, workspace, fingerprint: bench.env.entropy.bytes() }
}

async fn begin(bench: &Bench, request: &IdempotentRequest, lease: &Lease, after: Duration) -> FirstOrAgain {
    let now = bench.env.now() + after;
    bench.store.begin_idempotent(request, lease, now, now + HOUR).await.unwrap()
}

pub async fn an_answer_is_there_for_whoever_asks_again(bench: &Bench) {
    let request = request(bench).await;
    let (lease, answer, end) = (bench.lease(60), bench.sealed(), bench.env.now() + HOUR);
    assert_eq!(begin(bench, &request, &lease, Duration::ZERO).await, FirstOrAgain::First);
    let other = IdempotentRequest { fingerprint: [7; 32], ..request };
    let in_flight = FirstOrAgain::InFlight { fingerprint: request.fingerprint };
    assert_eq!(begin(bench, &other, &bench.lease(60), Duration::ZERO).await, in_flight);

    let late = bench.lease(60).token;
    assert!(!bench.store.finish_idempotent(request.id, late, &bench.sealed(), end).await.unwrap());
    assert!(bench.store.finish_idempotent(request.id, lease.token, &answer, end).await.unwrap());
    let done = FirstOrAgain::Done { fingerprint: request.fingerprint, answer };
    // A lease that has lapsed since takes nothing back.
    assert_eq!(begin(bench, &other, &bench.lease(60), Duration::from_secs(3599)).await, done);
    assert!(!bench.store.finish_idempotent(request.id, lease.token, &bench.sealed(), end).await.unwrap());
    assert!(!bench.store.abandon_idempotent(request.id, lease.token).await.unwrap());
    assert_eq!(begin(bench, &request, &bench.lease(60), Duration::ZERO).await, done);

    // Past its time it counts for nothing.
    assert_eq!(begin(bench, &other, &bench.lease(7200), HOUR).await, FirstOrAgain::First);
}

pub async fn a_lapsed_request_is_taken_on_again(bench: &Bench) {
    let request = request(bench).await;
    let (crashed, next) = (bench.lease(60), bench.lease(120));
    assert_eq!(begin(bench, &request, &crashed, Duration::ZERO).await, FirstOrAgain::First);
    let just_before = Duration::from_micros(59_999_999);
    let in_flight = FirstOrAgain::InFlight { fingerprint: request.fingerprint };
    assert_eq!(begin(bench, &request, &next, just_before).await, in_flight);
    assert_eq!(begin(bench, &request, &next, Duration::from_secs(60)).await, FirstOrAgain::First);
    // It was only slow: its answer comes too late.
    let end = bench.env.now() + HOUR;
    assert!(!bench.store.finish_idempotent(request.id, crashed.token, &bench.sealed(), end).await.unwrap());
    assert!(!bench.store.abandon_idempotent(request.id, crashed.token).await.unwrap());
    assert!(bench.store.finish_idempotent(request.id, next.token, &bench.sealed(), end).await.unwrap());
}

pub async fn an_abandoned_request_may_come_again_at_once(bench: &Bench) {
    let request = request(bench).await;
    let lease = bench.lease(60);
    assert_eq!(begin(bench, &request, &lease, Duration::ZERO).await, FirstOrAgain::First);
    assert!(bench.store.abandon_idempotent(request.id, lease.token).await.unwrap());
    assert_eq!(begin(bench, &request, &bench.lease(60), Duration::ZERO).await, FirstOrAgain::First);
}

pub async fn of_the_same_at_once_one_is_first(bench: &Bench) {
    let mut request = request(bench).await;
    for _ in 0..ROUNDS {
        request.id = IdempotentRequestId::of_hash(bench.env.entropy.bytes());
        let leases: Vec<Lease> = (0..CALLERS).map(|_| bench.lease(60)).collect();
        let begun = join_all(leases.iter().map(|lease| begin(bench, &request, lease, Duration::ZERO))).await;
        assert_eq!(begun.iter().filter(|begun| **begun == FirstOrAgain::First).count(), 1, "{begun:?}");
    }
}

pub async fn what_is_past_its_time_is_forgotten_few_at_a_time(bench: &Bench) {
    let mut request = request(bench).await;
    for _ in 0..3 {
        request.id = IdempotentRequestId::of_hash(bench.env.entropy.bytes());
        assert_eq!(begin(bench, &request, &bench.lease(60), Duration::ZERO).await, FirstOrAgain::First);
    }
    let end = bench.env.now() + HOUR;
    assert_eq!(bench.store.forget_idempotent(end - Duration::from_micros(1), 10).await.unwrap(), 0);
    assert_eq!(bench.store.forget_idempotent(end, 2).await.unwrap(), 2);
    assert_eq!(bench.store.forget_idempotent(end, 2).await.unwrap(), 1);
}
