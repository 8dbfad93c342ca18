//! Requests with an idempotency key: executed once, and answered as often as they are sent, on any server.
//!
//! A row is leased before the work begins, and has the sealed answer afterwards. A request that a crash
//! interrupted may be sent again when the lease has lapsed. It may then be executed twice, because its
//! progress is unknown.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use model::{ApiKeyId, Environment, Failure, IdempotentRequestId, LeaseToken, Secret, WorkspaceId};
use store::{Digest, IdempotencyState, IdempotentRequest, IdempotentRequests, Lease, StoreError};

use crate::{Cell, Vault};

/// How long an answer is kept.
const ANSWER_KEPT_FOR: Duration = Duration::from_secs(3600);
/// Longer than any request takes.
const LEASE: Duration = Duration::from_secs(120);
/// Rows that are deleted in one transaction.
const FORGET_BATCH: u32 = 500;

/// A request that may be sent again.
#[derive(Debug, Clone, Copy)]
pub struct RepeatableRequest<'a> {
    /// Whose.
    pub workspace: WorkspaceId,
    /// The key of the API that it came with.
    pub caller: ApiKeyId,
    /// Where it went.
    pub path: &'a str,
    /// What the caller calls it.
    pub idempotency_key: &'a str,
    /// What it asks for, part by part.
    pub asked: [&'a [u8]; 3],
}

/// What is to be done with it.
#[derive(Debug)]
pub enum Repetition {
    /// It has to be done.
    First(Ticket),
    /// It is being done.
    InFlight,
    /// It was done, and this was the answer.
    Answered(Secret),
    /// Something else was asked for under this idempotency key.
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
    /// One that seals answers with `vault`.
    pub fn new(store: Arc<dyn IdempotentRequests + Send + Sync>, vault: Vault, env: Environment) -> Self {
        Self { store, vault, env }
    }

    /// Takes a request on, unless it was taken on before.
    pub async fn begin(&self, request: RepeatableRequest<'_>) -> Result<Repetition, Failure> {
        let RepeatableRequest { workspace, caller, path, idempotency_key, asked } = request;
        let id = hash(&[caller.to_string().as_bytes(), path.as_bytes(), idempotency_key.as_bytes()]);
        let mut short = [0; 16];
        short.copy_from_slice(&id[..16]);
        let id = IdempotentRequestId::of_hash(short);
        let (now, token) = (self.env.now(), LeaseToken::generate(&self.env));
        let request = IdempotentRequest { id, workspace, fingerprint: hash(&asked) };
        let lease = Lease { token, expires_at: now + LEASE };
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

    /// Keeps the answer, which may hold secrets; without one, the request may be sent again at once. The work is done by
    /// now: if this fails, callers who come again wait for the lease's end.
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
            Ok(false) => tracing::warn!("a request took longer than its lease: sent again, it is done again"),
            Err(error) => tracing::warn!(%error, "the answer to an idempotent request is not kept"),
        }
    }

    /// Forgets answers that are past their hour.
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

/// SHA-256 of several parts, each with its length before it, so that no two lists of parts read alike.
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
