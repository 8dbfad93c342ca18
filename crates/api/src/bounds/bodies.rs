//! Limits of request bodies: size, time to arrive, and the memory of all bodies together.

use std::{
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::{Bytes, HttpBody};
use model::{Clock, Code, Failure};

use super::Bounds;

/// The limit for callers without a key (bot platforms and Zoom send a few kilobytes) and for forms.
const UNAUTHENTICATED_MAX_BYTES: usize = 256 * 1024;
const UNAUTHENTICATED_TIMEOUT: Duration = Duration::from_secs(5);
/// Callers without a key get this fraction of the memory for bodies, so that callers with a key always have the rest.
const UNAUTHENTICATED_DIVISOR: usize = 4;
/// Larger than any request of the contract (two images of 1.8 MB), but not much larger.
pub(crate) const CALLER_MAX_BYTES: usize = 8 * MIB;
const MIB: usize = 1024 * 1024;

/// The kind of client that sends a body.
#[derive(Debug, Clone, Copy)]
pub enum Sender {
    /// Not known yet: only the body can authenticate it.
    Unauthenticated,
    /// A caller with a valid API key.
    Caller,
    /// A browser that is signed in to the console. Its forms are small.
    Browser,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// The body is larger than this many bytes.
    TooLarge(usize),
    /// The body did not arrive completely within this time.
    TooSlow(Duration),
    /// All memory for bodies is in use.
    NoMemory,
    /// The connection closed early, or the data is not HTTP.
    Broken,
}

impl BodyError {
    /// The same error with an error code, for answers that carry one.
    pub fn failure(self) -> Failure {
        match self {
            Self::NoMemory => {
                let failure = Failure::new(Code::Unavailable, "the memory for request bodies is in use");
                Failure { retry_after: Some(Duration::from_secs(1)), ..failure }
            }
            _ => Failure::new(Code::RequestMalformed, format!("the {self}")),
        }
    }
}

/// Without the article "the".
impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(most) if most % MIB == 0 => write!(f, "body is larger than {} MiB", most / MIB),
            Self::TooLarge(most) => write!(f, "body is larger than {} KiB", most / 1024),
            Self::TooSlow(within) => write!(f, "body did not arrive within {} s", within.as_secs()),
            Self::NoMemory => f.write_str("body was not read: the memory for request bodies is in use"),
            Self::Broken => f.write_str("body ended early"),
        }
    }
}

/// Reads request bodies within the limits.
pub(crate) struct Bodies {
    clock: Arc<dyn Clock>,
    within: Duration,
    unauthenticated: Arc<Budget>,
    authenticated: Arc<Budget>,
}

impl Bodies {
    pub(super) fn new(bounds: &Bounds, clock: Arc<dyn Clock>) -> Self {
        let unauthenticated = bounds.bodies / UNAUTHENTICATED_DIVISOR;
        Self {
            clock,
            within: bounds.body_within,
            unauthenticated: Arc::new(Budget(AtomicUsize::new(unauthenticated))),
            authenticated: Arc::new(Budget(AtomicUsize::new(bounds.bodies - unauthenticated))),
        }
    }

    /// Reads the whole body. Its memory counts until the last clone of it is dropped.
    pub(crate) async fn read<B: HttpBody<Data = Bytes>>(
        &self,
        body: B,
        sender: Sender,
    ) -> Result<Bytes, BodyError> {
        let (most, within, budget) = match sender {
            Sender::Unauthenticated => {
                (UNAUTHENTICATED_MAX_BYTES, self.within.min(UNAUTHENTICATED_TIMEOUT), &self.unauthenticated)
            }
            Sender::Caller => (CALLER_MAX_BYTES, self.within, &self.authenticated),
            Sender::Browser => (UNAUTHENTICATED_MAX_BYTES, self.within, &self.authenticated),
        };
        if body.size_hint().lower() > most as u64 {
            return Err(BodyError::TooLarge(most));
        }
        let mut body_bytes = BodyBytes { bytes: Vec::new(), budget: Arc::clone(budget), taken: 0 };
        let reading = async {
            let mut body = pin!(body);
            while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
                let frame = frame.map_err(|_| BodyError::Broken)?;
                // Trailers are ignored: nothing here needs them.
                let Ok(data) = frame.into_data() else { continue };
                if body_bytes.bytes.len() + data.len() > most {
                    return Err(BodyError::TooLarge(most));
                }
                body_bytes.push(&data)?;
            }
            Ok(Bytes::from_owner(body_bytes))
        };
        self.clock.timeout(within, reading).await.unwrap_or(Err(BodyError::TooSlow(within)))
    }
}

/// Bytes that are still free for bodies.
#[derive(Debug)]
struct Budget(AtomicUsize);

/// The memory that one body takes, returned when it is dropped.
struct BodyBytes {
    bytes: Vec<u8>,
    budget: Arc<Budget>,
    taken: usize,
}

impl BodyBytes {
    fn push(&mut self, data: &[u8]) -> Result<(), BodyError> {
        let take = |left: usize| left.checked_sub(data.len());
        self.budget
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .map_err(|_| BodyError::NoMemory)?;
        self.taken += data.len();
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

impl AsRef<[u8]> for BodyBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for BodyBytes {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.taken, Ordering::Relaxed);
    }
}

impl fmt::Debug for Bodies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bodies").field("within", &self.within).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use model::Environment;

    use super::*;

    fn bodies(bytes: usize) -> Bodies {
        Bodies::new(&Bounds { bodies: bytes, ..Bounds::default() }, Environment::system().clock)
    }

    #[tokio::test]
    async fn memory_counts_while_a_body_lives_and_callers_without_a_key_get_a_quarter() {
        let bodies = bodies(1000);
        let read = async |bytes: usize, sender| bodies.read(Body::from(vec![b'x'; bytes]), sender).await;
        assert_eq!(read(251, Sender::Unauthenticated).await, Err(BodyError::NoMemory));
        let first = read(200, Sender::Unauthenticated).await.unwrap();
        let clone = first.clone();
        drop(first);
        assert_eq!(read(51, Sender::Unauthenticated).await, Err(BodyError::NoMemory));
        assert_eq!(
            read(750, Sender::Caller).await.unwrap().len(),
            750,
            "callers with a key have memory of their own"
        );
        drop(clone);
        assert_eq!(read(250, Sender::Unauthenticated).await.unwrap().len(), 250);
        assert_eq!(
            read(250, Sender::Unauthenticated).await.unwrap().len(),
            250,
            "a refused body returns its memory"
        );
    }

    #[tokio::test]
    async fn the_size_limit_depends_on_the_sender() {
        let bodies = bodies(1 << 30);
        let read = async |bytes: usize, sender| {
            bodies.read(Body::from(vec![0; bytes]), sender).await.map(|body| body.len())
        };
        assert_eq!(
            read(UNAUTHENTICATED_MAX_BYTES, Sender::Unauthenticated).await,
            Ok(UNAUTHENTICATED_MAX_BYTES)
        );
        assert_eq!(
            read(UNAUTHENTICATED_MAX_BYTES + 1, Sender::Unauthenticated).await,
            Err(BodyError::TooLarge(UNAUTHENTICATED_MAX_BYTES))
        );
        assert_eq!(read(CALLER_MAX_BYTES, Sender::Caller).await, Ok(CALLER_MAX_BYTES));
        assert_eq!(
            read(CALLER_MAX_BYTES + 1, Sender::Caller).await,
            Err(BodyError::TooLarge(CALLER_MAX_BYTES))
        );
    }
}
