//! History for tests and benchmarks: counters and lists of events.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::clock::Clock;
use crate::ids::{MeetingNumber, UserId};

/// `GET /_sim/stats`: counts since the start.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Stats {
    /// Consents given.
    pub(crate) consents: u64,
    /// Codes exchanged for tokens.
    pub(crate) token_exchanges: u64,
    /// Refresh tokens rotated, including those whose answer was lost.
    pub(crate) refreshes: u64,
    /// Refresh attempts that were refused.
    pub(crate) refreshes_refused: u64,
    /// Requests to the token endpoint with a wrong client id or secret, or from a disabled app.
    pub(crate) clients_refused: u64,
    /// Server-to-server tokens issued.
    pub(crate) account_tokens: u64,
    /// Tokens revoked by their app.
    pub(crate) revocations: u64,
    /// Requests to the token endpoint that were refused by its limit.
    pub(crate) token_429: u64,
    /// REST calls by kind, including refused ones.
    pub(crate) rest_calls: BTreeMap<&'static str, u64>,
    /// REST calls answered with 429, because of a limit or a fault.
    pub(crate) rest_429: u64,
    /// ZAKs minted.
    pub(crate) zak_mints: u64,
    /// On-behalf-of tokens minted.
    pub(crate) obf_mints: u64,
    /// Join tokens minted.
    pub(crate) join_token_mints: u64,
    /// `wc/info` requests of the SDK.
    pub(crate) join_requests: u64,
    /// Sockets that received a 4098 with `res` 0, including those in the waiting room.
    pub(crate) joins: u64,
    /// Joins that were refused, at either step.
    pub(crate) joins_refused: u64,
    /// Webhook requests sent; each attempt counts.
    pub(crate) webhooks_sent: u64,
    /// Webhooks answered with 200 or 204 in time.
    pub(crate) webhooks_taken: u64,
    /// Answers that were affected by an armed fault.
    pub(crate) faults: u64,
}

/// One attempt to join, for `GET /_sim/join-requests`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct JoinRequest {
    /// When step 1 arrived, in real time, independent of the simulator's clock.
    pub(crate) at_unix_ms: i64,
    /// When it was admitted or refused (real time); `null` while the socket has not arrived.
    pub(crate) settled_at_unix_ms: Option<i64>,
    pub(crate) meeting_number: MeetingNumber,
    pub(crate) name: String,
    /// The user whose valid ZAK was sent.
    pub(crate) signed_in_as: Option<UserId>,
    /// `pending`, `admitted`, `waiting_room`, or the code as text.
    pub(crate) outcome: String,
    /// The code as Zoom sends it (step 1 `errorCode`, or `res` of 4098).
    pub(crate) error_code: Option<u32>,
    /// The meaning of the code, in our words.
    pub(crate) reason: Option<&'static str>,
}

/// A token that was issued, for `GET /_sim/issued`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Issued {
    /// `code`, `access_token`, `refresh_token`, `zak`, `obf` or `join_token`.
    pub(crate) kind: &'static str,
    pub(crate) secret: String,
}

/// Counters, join requests and issued secrets.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Issued secrets, oldest first.
    pub(crate) issued: Vec<Issued>,
    pub(crate) stats: Stats,
    pub(crate) join_requests: Vec<JoinRequest>,
}

impl JoinRequest {
    /// A request that has just arrived.
    pub(crate) fn new(
        at_unix_ms: i64,
        meeting_number: &MeetingNumber,
        name: &str,
        signed_in_as: Option<UserId>,
    ) -> Self {
        Self {
            at_unix_ms,
            settled_at_unix_ms: None,
            meeting_number: meeting_number.clone(),
            name: name.to_owned(),
            signed_in_as,
            outcome: "pending".to_owned(),
            error_code: None,
            reason: None,
        }
    }
}

impl History {
    /// Records an issued secret.
    pub(crate) fn issue(&mut self, kind: &'static str, secret: &str) {
        self.issued.push(Issued { kind, secret: secret.to_owned() });
    }

    /// Records a join request and returns its index, with which it is settled later.
    pub(crate) fn open(&mut self, request: JoinRequest) -> usize {
        self.stats.join_requests += 1;
        self.join_requests.push(request);
        self.join_requests.len() - 1
    }

    /// Records an admission, possibly into the waiting room.
    pub(crate) fn admit(&mut self, request: usize, on_hold: bool) {
        self.stats.joins += 1;
        self.settle(request, if on_hold { "waiting_room" } else { "admitted" }.to_owned(), None);
    }

    /// Records a refusal with its code and word.
    pub(crate) fn refuse(&mut self, request: usize, code: u32, word: &'static str) {
        self.stats.joins_refused += 1;
        self.settle(request, code.to_string(), Some((code, word)));
    }

    fn settle(&mut self, request: usize, outcome: String, error: Option<(u32, &'static str)>) {
        if let Some(entry) = self.join_requests.get_mut(request) {
            entry.settled_at_unix_ms = Some(Clock::real_unix_ms());
            entry.outcome = outcome;
            entry.error_code = error.map(|(code, _)| code);
            entry.reason = error.map(|(_, word)| word);
        }
    }
}
