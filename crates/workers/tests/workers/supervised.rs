//! Tests of loops that panic, and of loops that are stopped.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use workers::Workers;

use crate::support::{self, Counts, Installation};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_panic_is_counted_and_the_loop_restarts_after_a_growing_pause() {
    let Installation { clock, env, counts } = Installation::new();
    let workers = Workers::new(env, counts.clone());
    let starts = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&starts);
    workers.run("sweeper", move || {
        let start = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(start >= 2, "injected");
            pending::<Infallible>().await
        }
    });
    assert_eq!(counts.started(), ["sweeper"]);
    support::settle().await;
    assert_eq!((starts.load(Ordering::SeqCst), counts.panics("sweeper")), (1, 1));
    for (pause, before) in [(SECOND, 1), (2 * SECOND, 2)] {
        clock.advance(pause / 2);
        support::settle().await;
        assert_eq!(starts.load(Ordering::SeqCst), before, "no restart before the pause is over");
        clock.advance(pause / 2);
        support::settle().await;
        assert_eq!(starts.load(Ordering::SeqCst), before + 1);
    }
    assert_eq!(counts.panics("sweeper"), 2, "the third start does not panic");
    workers.stop().await;
}

#[tokio::test]
async fn a_loop_restarts_also_after_a_panic_during_its_creation() {
    let Installation { clock, env, counts } = Installation::new();
    let workers = Workers::new(env, counts.clone());
    let mut is_first = true;
    let (made, mut is_made) = tokio::sync::mpsc::unbounded_channel();
    workers.run("maker", move || {
        assert!(!std::mem::take(&mut is_first), "injected");
        made.send(()).unwrap();
        pending::<Infallible>()
    });
    support::settle().await;
    clock.advance(SECOND);
    is_made.recv().await.unwrap();
    assert_eq!(counts.panics("maker"), 1);
    workers.stop().await;
}

#[tokio::test]
async fn a_panic_in_one_loop_does_not_affect_others() {
    let Installation { env, counts, .. } = Installation::new();
    let workers = Workers::new(env, counts.clone());
    let turns = Arc::new(AtomicU32::new(0));
    let turning = Arc::clone(&turns);
    workers.run("steady", move || {
        let turns = Arc::clone(&turning);
        async move {
            loop {
                turns.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    });
    workers.run("broken", || async { panic!("injected") });
    support::settle().await;
    let so_far = turns.load(Ordering::SeqCst);
    support::settle().await;
    assert!(turns.load(Ordering::SeqCst) > so_far);
    assert_eq!((counts.panics("broken"), counts.panics("steady")), (1, 0));
    workers.stop().await;
}

#[tokio::test]
async fn a_stop_ends_loops_that_wait_and_loops_that_pause_after_a_panic() {
    let Installation { env, counts, .. } = Installation::new();
    let workers = Workers::new(env.clone(), counts);
    workers.run("waits", move || {
        let clock = Arc::clone(&env.clock);
        async move {
            loop {
                clock.sleep(3600 * SECOND).await;
            }
        }
    });
    workers.run("pauses", || async { panic!("injected") });
    support::settle().await;
    workers.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_a_loop_that_must_finish_its_work() {
    let Installation { env, .. } = Installation::new();
    let workers = Workers::new(env, Arc::new(Counts::default()));
    let (stopping, finished) = (workers.stopping().clone(), Arc::new(AtomicBool::new(false)));
    let finishing = Arc::clone(&finished);
    workers.run_to_end("writer", move || {
        let (stopping, finished) = (stopping.clone(), Arc::clone(&finishing));
        async move {
            stopping.cancelled().await;
            support::settle().await;
            finished.store(true, Ordering::SeqCst);
        }
    });
    support::settle().await;
    workers.stop().await;
    assert!(finished.load(Ordering::SeqCst));
}
