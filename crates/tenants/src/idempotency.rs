//! Requests with an idempotency key: executed once, and answered each time they are sent, on any server.
//!
//! A row is leased before the work begins, and has the sealed answer afterwards. A request that a crash
//! interrupted can be sent again when the lease has expired. It may then be executed twice, because its
//! progress is unknown.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use model::{ApiKeyId, Environment, Failure, IdempotentRequestId, LeaseToken, Secret, WorkspaceId, chain};
use store::{Digest, IdempotencyState, IdempotentRequest, IdempotentRequests, Lease, StoreError};

use crate::{Cell, Vault};

/// How long an answer is stored.
const ANSWER_KEPT_FOR: Duration = Duration::from_secs(3600);
/// The length of the lease: longer than any request takes.
const LEASE_TTL: Duration = Duration::from_secs(120);
/// Rows that are deleted in one transaction.
const FORGET_BATCH: u32 = 500;

/// A request with an idempotency key.
#[derive(Debug, Clone, Copy)]
pub struct RepeatableRequest<'a> {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The API key of the call.
    pub caller: ApiKeyId,
    /// The path of the request.
    pub path: &'a str,
    /// The caller's name for it.
    pub idempotency_key: &'a str,
    /// The parts of the request that must be equal in a repetition.
    pub asked: [&'a [u8]; 3],
}

/// How a request must be handled.
#[derive(Debug)]
pub enum Repetition {
    /// It is new: execute it.
    First(Ticket),
    /// It is being executed.
    InFlight,
    /// It was executed, with this answer.
    Answered(Secret),
    /// A different request had this idempotency key.
    KeyReused,
}

/// Stores the answer of a request, for its executor.
#[derive(Debug)]
pub struct Ticket {
    id: IdempotentRequestId,
    workspace: WorkspaceId,
    token: LeaseToken,
}

/// Stores the answers to requests with an idempotency key.
#[derive(Clone)]
pub struct Idempotency {
    store: Arc<dyn IdempotentRequests + Send + Sync>,
    vault: Vault,
    env: Environment,
}

impl Idempotency {
    /// Seals answers with `vault`.
    pub fn new(store: Arc<dyn IdempotentRequests + Send + Sync>, vault: Vault, env: Environment) -> Self {
        Self { store, vault, env }
    }

    /// Begins a request, unless it was begun before.
    pub async fn begin(&self, request: RepeatableRequest<'_>) -> Result<Repetition, Failure> {
        let RepeatableRequest { workspace, caller, path, idempotency_key, asked } = request;
        let id = hash(&[caller.to_string().as_bytes(), path.as_bytes(), idempotency_key.as_bytes()]);
        let mut short = [0; 16];
        short.copy_from_slice(&id[..16]);
        let id = IdempotentRequestId::of_hash(short);
        let (now, token) = (self.env.now(), LeaseToken::generate(&self.env));
        let request = IdempotentRequest { id, workspace, fingerprint: hash(&asked) };
        let lease = Lease { token, expires_at: now + LEASE_TTL };
        let begun = self.store.begin_idempotent(&request, &lease, now, now + ANSWER_KEPT_FOR).await?;
        Ok(match begun {
            IdempotencyState::First => Repetition::First(Ticket { id, workspace, token }),
            IdempotencyState::InFlight { fingerprint } | IdempotencyState::Done { fingerprint, .. }
                if fingerprint != request.fingerprint =>
            {
                Repetition::KeyReused
            }
            IdempotencyState::InFlight { .. } => Repetition::InFlight,
            IdempotencyState::Done { answer, .. } => {
                Repetition::Answered(self.vault.open(workspace, Cell::IdempotentAnswer(id), &answer)?)
            }
        })
    }

    /// Stores the answer, which may contain secrets. Without an answer, the request may be sent again at once. The work is
    /// done by now: if storing fails, a repeated request has to wait for the end of the lease.
    pub async fn finish(&self, ticket: Ticket, answer: Option<&Secret>) {
        let Ticket { id, workspace, token } = ticket;
        let kept = match answer {
            Some(answer) => {
                let sealed = self.vault.seal(workspace, Cell::IdempotentAnswer(id), answer);
                self.store.finish_idempotent(id, token, &sealed, self.env.now() + ANSWER_KEPT_FOR).await
            }
            None => self.store.abandon_idempotent(id, token).await,
        };
        match kept {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                "a request took longer than its lease: if it is sent again, it is executed again"
            ),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the answer to an idempotent request was not stored");
            }
        }
    }

    /// Deletes expired answers.
    pub async fn forget_old(&self) -> Result<(), StoreError> {
        // A full batch: there may be more.
        while self.store.forget_idempotent(self.env.now(), FORGET_BATCH).await? == u64::from(FORGET_BATCH) {}
        Ok(())
    }
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Idempotency")
    }
}

/// SHA-256 of several parts, each preceded by its length, so that different lists of parts have different inputs.
fn hash(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
