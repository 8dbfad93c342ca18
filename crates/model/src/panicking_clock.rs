//! A clock for tests of loops that restart after a panic.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::task::{Id, try_id};

use crate::{Clock, Sleep, Timestamp};

/// Panics at the first pause of each task. The second pause, which follows the panic, takes no time; the others last for
/// ever.
pub struct PanickingClock {
    clock: Arc<dyn Clock>,
    pauses: Mutex<HashMap<Id, u32>>,
}

impl PanickingClock {
    /// A clock with the time of `clock`, but other pauses.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, pauses: Mutex::default() }
    }

    /// How many tasks have reached a third pause, which means that their loops have restarted.
    pub fn started_anew(&self) -> usize {
        self.lock().values().filter(|pauses| **pauses > 2).count()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, u32>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for PanickingClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    #[expect(clippy::panic, reason = "it is the purpose of the clock")]
    fn sleep(&self, span: Duration) -> Sleep {
        // Timeouts within a call of the test itself are not pauses of a loop.
        let Some(task) = try_id() else { return self.clock.sleep(span) };
        let pause = {
            let mut pauses = self.lock();
            let pause = pauses.entry(task).or_default();
            *pause += 1;
            *pause
        };
        match pause {
            1 => panic!("as planned"),
            2 => Box::pin(std::future::ready(())),
            _ => Box::pin(std::future::pending()),
        }
    }
}

impl std::fmt::Debug for PanickingClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PanickingClock").finish_non_exhaustive()
    }
}
