//! The possible steps, and their effects.

use crate::{
    Design,
    world::{
        Answer, Attempt, Cause, Deposit, Holder, REPLICAS, Replica, Row, Status, Token, Work, World, Zoom,
    },
};

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A server takes the lease, and the row records that the refresh token is sent.
    Lease(Replica),
    /// It calls Zoom.
    Send(Replica),
    /// It reads the answer.
    Read(Replica),
    /// It writes the grant to the disk.
    Escrow(Replica),
    /// It stores the grant, unless another one was stored since.
    Commit(Replica),
    /// It deletes the grant from the disk, and answers its callers.
    Withdraw(Replica),
    /// It has waited for the store long enough: the grant stays on the disk.
    Leave(Replica),
    /// It declares the grant dead, if nothing has changed since.
    Judge(Replica),
    /// It stores the grant on its disk, or deletes it if it is outdated.
    Replay(Replica),
    /// It dies.
    Crash(Replica),
    /// It starts again.
    Restart(Replica),

    /// Zoom processes a server's request and answers.
    Action(Replica),
    /// Zoom processes the request, and the answer is lost.
    ActUnheard(Replica),
    /// The request is lost: the server sees the same as with a lost answer.
    Drop(Replica),
    /// Zoom answers 429.
    Refuse(Replica),
    /// The server stops waiting; the request is still in flight.
    TimeOut(Replica),
    /// Zoom processes a request whose server has stopped waiting.
    ActAdrift(Token),

    /// The lease ends.
    Lapse,
    /// The store goes down.
    StoreAway,
    /// The store is up again.
    StoreBack,
    /// The access token expires.
    Expire,
    /// The user withdraws the consent.
    Revoke,
    /// The user consents, maybe again.
    Consent,
}

impl Step {
    /// All steps. Few of them are possible at a given moment.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let of_a_replica = [
            Self::Lease,
            Self::Send,
            Self::Read,
            Self::Escrow,
            Self::Commit,
            Self::Withdraw,
            Self::Leave,
            Self::Judge,
            Self::Replay,
            Self::Crash,
            Self::Restart,
            Self::Action,
            Self::ActUnheard,
            Self::Drop,
            Self::Refuse,
            Self::TimeOut,
        ];
        let of_the_world =
            [Self::Lapse, Self::StoreAway, Self::StoreBack, Self::Expire, Self::Revoke, Self::Consent];
        (0..REPLICAS)
            .flat_map(move |replica| of_a_replica.map(|step| step(replica)))
            .chain((1..=8).map(Self::ActAdrift))
            .chain(of_the_world)
    }
}

impl World {
    /// Whether `step` can happen now.
    pub(crate) fn allows(&self, step: Step) -> bool {
        if self.is_mishap(step) && self.mishaps == 0 {
            return false;
        }
        let row = &self.row;
        let waits = |replica: Replica| matches!(self.work[replica], Work::Waiting(_, None));
        match step {
            Step::Lease(replica) => {
                let wanted = row.status == Status::Healthy && !row.fresh && row.lease.is_none();
                self.work[replica] == Work::Idle && self.store_up && wanted
            }
            Step::Send(replica) => matches!(self.work[replica], Work::Leased(_)),
            Step::Read(replica) => matches!(self.work[replica], Work::Waiting(_, Some(_))),
            Step::Escrow(replica) => matches!(self.work[replica], Work::Holding(..)),
            Step::Commit(replica) => matches!(self.work[replica], Work::Committing(_)) && self.store_up,
            Step::Leave(replica) => matches!(self.work[replica], Work::Committing(_)) && !self.store_up,
            Step::Withdraw(replica) => matches!(self.work[replica], Work::Settled(_)),
            Step::Judge(replica) => matches!(self.work[replica], Work::Judging(_)),
            Step::Replay(replica) => {
                self.work[replica] != Work::Down && !self.escrow[replica].is_empty() && self.store_up
            }
            Step::Crash(replica) => self.work[replica] != Work::Down,
            Step::Restart(replica) => self.work[replica] == Work::Down,
            Step::Action(replica)
            | Step::ActUnheard(replica)
            | Step::Drop(replica)
            | Step::Refuse(replica)
            | Step::TimeOut(replica) => waits(replica),
            Step::ActAdrift(token) => self.adrift.contains(&token),
            Step::Lapse => row.lease.is_some(),
            Step::StoreAway | Step::Consent => self.store_up,
            Step::StoreBack => !self.store_up,
            Step::Expire => row.fresh,
            Step::Revoke => self.zoom.live.is_some(),
        }
    }

    /// Whether `step` counts as a mishap. A lease whose holder is gone always ends.
    pub(crate) fn is_mishap(&self, step: Step) -> bool {
        match step {
            Step::Lapse => self.row.lease != Some(Holder::Gone),
            Step::Crash(_)
            | Step::ActUnheard(_)
            | Step::Drop(_)
            | Step::Refuse(_)
            | Step::TimeOut(_)
            | Step::StoreAway
            | Step::Expire
            | Step::Revoke
            | Step::Consent => true,
            _ => false,
        }
    }

    /// Takes a step.
    pub(crate) fn take(&mut self, step: Step, design: Design) {
        self.mishaps -= u8::from(self.is_mishap(step));
        match step {
            Step::Lease(replica) => {
                let Row { generation: from, token, spent: in_doubt, .. } = self.row;
                self.row.lease = Some(Holder::Working(replica));
                self.row.spent = design != Design::ForgetsSpending;
                self.work[replica] = Work::Leased(Attempt { from, token, in_doubt, again: false });
            }
            Step::Send(replica) => {
                let Work::Leased(attempt) = self.work[replica] else { return };
                self.work[replica] = Work::Waiting(attempt, None);
            }
            Step::Read(replica) => {
                let Work::Waiting(attempt, Some(answer)) = self.work[replica] else { return };
                match answer {
                    Answer::Granted(token) => self.work[replica] = Work::Holding(attempt, token),
                    Answer::Dead => self.work[replica] = Work::Judging(attempt),
                    Answer::Refused => self.give_back(replica, !attempt.in_doubt),
                    Answer::Unclear => self.suspect(replica, attempt),
                }
            }
            Step::Escrow(replica) => {
                let Work::Holding(Attempt { from, .. }, token) = self.work[replica] else { return };
                let deposit = Deposit { from, token };
                if design != Design::WithoutEscrow {
                    self.escrow[replica].insert(deposit);
                }
                if design == Design::AnswersFirst {
                    self.answered_too_early |= token > self.newest_stored;
                }
                self.work[replica] = Work::Committing(deposit);
            }
            Step::Commit(replica) => {
                let Work::Committing(deposit) = self.work[replica] else { return };
                let fenced = match design {
                    Design::Unfenced => false,
                    Design::FencedByLease => {
                        self.row.generation != deposit.from
                            || self.row.lease != Some(Holder::Working(replica))
                    }
                    _ => self.row.generation != deposit.from,
                };
                if !fenced {
                    self.store(deposit.token);
                }
                self.work[replica] = Work::Settled(deposit);
            }
            Step::Withdraw(replica) => {
                let Work::Settled(deposit) = self.work[replica] else { return };
                self.escrow[replica].remove(&deposit);
                self.work[replica] = Work::Idle;
            }
            Step::Leave(replica) => self.give_back(replica, false),
            Step::Judge(replica) => {
                let Work::Judging(attempt) = self.work[replica] else { return };
                let same = self.row.generation == attempt.from;
                let believed = match design {
                    Design::BelievesInvalidGrant => true,
                    Design::JudgesWithoutLease => same,
                    _ => same && self.row.lease == Some(Holder::Working(replica)),
                };
                if self.store_up && believed {
                    let cause = if attempt.in_doubt { Cause::ResponseLost } else { Cause::Revoked };
                    self.row.status = Status::NeedsReauth(cause);
                }
                self.give_back(replica, false);
            }
            Step::Replay(replica) => {
                let Some(deposit) = self.escrow[replica].first().copied() else { return };
                if self.row.generation == deposit.from {
                    self.store(deposit.token);
                } else {
                    self.escrow[replica].remove(&deposit);
                }
            }
            Step::Crash(replica) => {
                match self.work[replica] {
                    Work::Waiting(attempt, answer) => self.abandon(attempt, answer),
                    // No protocol can prevent this loss: the answer was read, but is not yet on the disk.
                    Work::Holding(_, token) => self.zoom.unheard |= self.zoom.live == Some(token),
                    _ => {}
                }
                self.lose_lease(replica);
                self.work[replica] = Work::Down;
            }
            Step::Restart(replica) => self.work[replica] = Work::Idle,

            Step::Action(replica) => {
                let Work::Waiting(attempt, None) = self.work[replica] else { return };
                let answer = self.zoom.act(attempt.token, false);
                self.work[replica] = Work::Waiting(attempt, Some(answer));
            }
            Step::ActUnheard(replica) => {
                let Work::Waiting(attempt, None) = self.work[replica] else { return };
                self.zoom.act(attempt.token, true);
                self.work[replica] = Work::Waiting(attempt, Some(Answer::Unclear));
            }
            Step::Drop(replica) => self.spoil(replica, Answer::Unclear),
            Step::Refuse(replica) => self.spoil(replica, Answer::Refused),
            Step::TimeOut(replica) => {
                let Work::Waiting(attempt, None) = self.work[replica] else { return };
                self.abandon(attempt, None);
                self.suspect(replica, attempt);
            }
            Step::ActAdrift(token) => {
                self.adrift.remove(&token);
                self.zoom.act(token, true);
            }

            Step::Lapse => {
                self.row.lease = None;
            }
            Step::StoreAway => {
                self.store_up = false;
            }
            Step::StoreBack => self.store_up = true,
            Step::Expire => {
                self.row.fresh = false;
            }
            Step::Revoke => {
                self.zoom.live = None;
                self.zoom.unheard = false;
            }
            Step::Consent => {
                let token = self.zoom.grant(false);
                self.store(token);
            }
        }
    }

    /// Stores a new grant: the generation is the next one, and a running refresh has lost its lease.
    fn store(&mut self, token: Token) {
        let generation = self.row.generation + 1;
        self.row = Row { token, generation, status: Status::Healthy, fresh: true, spent: false, lease: None };
        self.newest_stored = self.newest_stored.max(token);
    }

    /// Zoom may have processed the request: the server retries once with the same token, then gives up.
    fn suspect(&mut self, replica: Replica, attempt: Attempt) {
        if attempt.again {
            self.give_back(replica, false);
        } else {
            self.work[replica] = Work::Leased(Attempt { in_doubt: true, again: true, ..attempt });
        }
    }

    /// Ends an attempt. While the store is down, the lease stays until it expires.
    fn give_back(&mut self, replica: Replica, unspent: bool) {
        if self.store_up && self.row.lease == Some(Holder::Working(replica)) {
            self.row.lease = None;
            self.row.spent &= !unspent;
        }
        self.lose_lease(replica);
        self.work[replica] = Work::Idle;
    }

    fn lose_lease(&mut self, replica: Replica) {
        if self.row.lease == Some(Holder::Working(replica)) {
            self.row.lease = Some(Holder::Gone);
        }
    }

    /// The server stops waiting for a call: its request may still arrive, but its answer is lost.
    fn abandon(&mut self, attempt: Attempt, answer: Option<Answer>) {
        match answer {
            None => drop(self.adrift.insert(attempt.token)),
            Some(Answer::Granted(token)) => self.zoom.unheard |= self.zoom.live == Some(token),
            Some(_) => {}
        }
    }

    fn spoil(&mut self, replica: Replica, answer: Answer) {
        let Work::Waiting(attempt, None) = self.work[replica] else { return };
        self.work[replica] = Work::Waiting(attempt, Some(answer));
    }
}

impl Zoom {
    /// Zoom's answer: the valid grant is spent and the next one is given; any other grant is invalid.
    fn act(&mut self, token: Token, unheard: bool) -> Answer {
        if self.live == Some(token) { Answer::Granted(self.grant(unheard)) } else { Answer::Dead }
    }

    fn grant(&mut self, unheard: bool) -> Token {
        self.issued += 1;
        self.live = Some(self.issued);
        self.unheard = unheard;
        self.issued
    }
}
