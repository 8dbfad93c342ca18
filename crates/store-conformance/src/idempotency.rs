//! Requests with idempotency keys.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::IdempotentRequestId;

use crate::{CALLERS, Conformance, ROUNDS};
use store::{IdempotencyState, IdempotentRequest, Lease};

const HOUR: Duration = Duration::from_secs(3600);

async fn request(suite: &Conformance) -> IdempotentRequest {
    let workspace = suite.workspace().await;
    let id = IdempotentRequestId::of_hash(suite.env.entropy.bytes());
    IdempotentRequest { id, workspace, fingerprint: suite.env.entropy.bytes() }
}

async fn begin(
    suite: &Conformance,
    request: &IdempotentRequest,
    lease: &Lease,
    after: Duration,
) -> IdempotencyState {
    let now = suite.env.now() + after;
    suite.store.begin_idempotent(request, lease, now, now + HOUR).await.unwrap()
}

pub async fn a_repeated_request_gets_the_first_answer(suite: &Conformance) {
    let request = request(suite).await;
    let (lease, answer, end) = (suite.lease(60), suite.sealed(), suite.env.now() + HOUR);
    assert_eq!(begin(suite, &request, &lease, Duration::ZERO).await, IdempotencyState::First);
    let other = IdempotentRequest { fingerprint: [7; 32], ..request };
    let in_flight = IdempotencyState::InFlight { fingerprint: request.fingerprint };
    assert_eq!(begin(suite, &other, &suite.lease(60), Duration::ZERO).await, in_flight);

    let late = suite.lease(60).token;
    assert!(!suite.store.finish_idempotent(request.id, late, &suite.sealed(), end).await.unwrap());
    assert!(suite.store.finish_idempotent(request.id, lease.token, &answer, end).await.unwrap());
    let done = IdempotencyState::Done { fingerprint: request.fingerprint, answer };
    // A finished request stays finished when its lease has expired.
    assert_eq!(begin(suite, &other, &suite.lease(60), Duration::from_secs(3599)).await, done);
    assert!(!suite.store.finish_idempotent(request.id, lease.token, &suite.sealed(), end).await.unwrap());
    assert!(!suite.store.abandon_idempotent(request.id, lease.token).await.unwrap());
    assert_eq!(begin(suite, &request, &suite.lease(60), Duration::ZERO).await, done);

    // An expired answer is not used.
    assert_eq!(begin(suite, &other, &suite.lease(7200), HOUR).await, IdempotencyState::First);
}

pub async fn a_request_with_an_expired_lease_is_begun_again(suite: &Conformance) {
    let request = request(suite).await;
    let (crashed, next) = (suite.lease(60), suite.lease(120));
    assert_eq!(begin(suite, &request, &crashed, Duration::ZERO).await, IdempotencyState::First);
    let just_before = Duration::from_micros(59_999_999);
    let in_flight = IdempotencyState::InFlight { fingerprint: request.fingerprint };
    assert_eq!(begin(suite, &request, &next, just_before).await, in_flight);
    assert_eq!(begin(suite, &request, &next, Duration::from_secs(60)).await, IdempotencyState::First);
    // A slow holder whose lease has expired can't store its answer.
    let end = suite.env.now() + HOUR;
    assert!(!suite.store.finish_idempotent(request.id, crashed.token, &suite.sealed(), end).await.unwrap());
    assert!(!suite.store.abandon_idempotent(request.id, crashed.token).await.unwrap());
    assert!(suite.store.finish_idempotent(request.id, next.token, &suite.sealed(), end).await.unwrap());
}

pub async fn an_abandoned_request_may_be_sent_again_at_once(suite: &Conformance) {
    let request = request(suite).await;
    let lease = suite.lease(60);
    assert_eq!(begin(suite, &request, &lease, Duration::ZERO).await, IdempotencyState::First);
    assert!(suite.store.abandon_idempotent(request.id, lease.token).await.unwrap());
    assert_eq!(begin(suite, &request, &suite.lease(60), Duration::ZERO).await, IdempotencyState::First);
}

pub async fn one_concurrent_request_is_first(suite: &Conformance) {
    let mut request = request(suite).await;
    for _ in 0..ROUNDS {
        request.id = IdempotentRequestId::of_hash(suite.env.entropy.bytes());
        let leases: Vec<Lease> = (0..CALLERS).map(|_| suite.lease(60)).collect();
        let begun = join_all(leases.iter().map(|lease| begin(suite, &request, lease, Duration::ZERO))).await;
        assert_eq!(begun.iter().filter(|begun| **begun == IdempotencyState::First).count(), 1, "{begun:?}");
    }
}

pub async fn expired_requests_are_deleted_in_batches(suite: &Conformance) {
    let mut request = request(suite).await;
    for _ in 0..3 {
        request.id = IdempotentRequestId::of_hash(suite.env.entropy.bytes());
        assert_eq!(begin(suite, &request, &suite.lease(60), Duration::ZERO).await, IdempotencyState::First);
    }
    let end = suite.env.now() + HOUR;
    assert_eq!(suite.store.forget_idempotent(end - Duration::from_micros(1), 10).await.unwrap(), 0);
    assert_eq!(suite.store.forget_idempotent(end, 2).await.unwrap(), 2);
    assert_eq!(suite.store.forget_idempotent(end, 2).await.unwrap(), 1);
}
