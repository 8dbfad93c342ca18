//! Limits on the number of connections and on how long each may be idle.
//!
//! When there are too many, the connections that have been idle longest are closed. So a caller that sends its
//! request at once is served, however many idle connections others have open. A connection that is being served
//! is never closed.
//!
//! One task counts the seconds for all connections: a timer for each request would cost more than the rest of
//! this module.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use ipnet::IpNet;
use tokio::sync::Notify;

use super::{Bounds, address_of};

/// One connection above the limit closes this fraction of the idle ones. A search through all of them for each new
/// connection would be too much work while thousands arrive.
const CLOSED_DIVISOR: usize = 32;
/// Up to this many connections may still be closing while new ones are accepted.
const MAX_LEAVING: usize = 64;

/// The connections of one listener.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    of_an_address: usize,
    proxies: Vec<IpNet>,
    head_within: u64,
    idle: u64,
    seconds: Arc<AtomicU64>,
    open: Mutex<Open>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Arc<ConnectionState>>,
    /// Open connections by address, without those that are closing.
    of: HashMap<IpAddr, usize>,
    /// How many of `all` were ordered to close.
    leaving: usize,
    stopping: bool,
    counts: SweepCounts,
}

/// What happened since the last sweep.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SweepCounts {
    /// Connections that were refused at the limit.
    pub(crate) refused: u64,
    /// Idle connections that were closed to make room for new ones.
    pub(crate) displaced: u64,
    /// Connections that did not send a complete head in time.
    pub(crate) late: u64,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    number: u64,
    /// The address that it is counted under. `None` for a reverse proxy's.
    address: Option<IpAddr>,
    /// Its phase, and the second in which the phase began.
    state: AtomicU64,
    seconds: Arc<AtomicU64>,
    order: AtomicU8,
    ordered: Notify,
}

/// What a connection is doing or waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A request is being processed.
    Works = 0,
    /// The rest of a head has not arrived yet.
    Head = 1,
    /// The rest of a body has not arrived yet.
    Body = 2,
    /// The answer is complete, and the next request has not begun.
    Idle = 3,
}

/// The command to one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Finish the current request, then close.
    Stop = 1,
    /// Close: it was idle for too long.
    Late = 2,
    /// Close: the limit is reached, and a new connection needs the place.
    Displaced = 3,
}

impl ConnectionState {
    /// A request's head has arrived.
    pub(crate) fn works(&self) {
        self.set(Phase::Works);
    }

    /// More of the body is needed.
    pub(crate) fn awaits_body(&self) {
        self.set(Phase::Body);
    }

    /// The answer is complete.
    pub(crate) fn answered(&self) {
        self.set(Phase::Idle);
    }

    /// Bytes arrived: after an answer, the first of the next request.
    pub(crate) fn received(&self) {
        if self.phase().0 == Phase::Idle {
            self.set(Phase::Head);
        }
    }

    /// Bytes of an answer were sent.
    pub(crate) fn sent(&self) {
        if self.phase().0 == Phase::Idle {
            self.set(Phase::Idle);
        }
    }

    fn set(&self, phase: Phase) {
        let since = self.seconds.load(Ordering::Relaxed);
        self.state.store(since << 2 | phase as u64, Ordering::Relaxed);
    }

    fn phase(&self) -> (Phase, u64) {
        let state = self.state.load(Ordering::Relaxed);
        let phase = match state & 3 {
            0 => Phase::Works,
            1 => Phase::Head,
            2 => Phase::Body,
            _ => Phase::Idle,
        };
        (phase, state >> 2)
    }

    /// Waits for the next command.
    pub(crate) async fn ordered(&self) {
        self.ordered.notified().await;
    }

    /// The latest command.
    fn order(&self) -> Option<Command> {
        match self.order.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Command::Stop),
            2 => Some(Command::Late),
            _ => Some(Command::Displaced),
        }
    }

    fn send_command(&self, order: Command) {
        self.order.store(order as u8, Ordering::Relaxed);
        self.ordered.notify_one();
    }

    fn is_leaving(&self) -> bool {
        matches!(self.order(), Some(Command::Late | Command::Displaced))
    }
}

/// The permit of one open connection, returned when it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    connections: Arc<Connections>,
    pub(crate) connection: Arc<ConnectionState>,
}

impl ConnectionPermit {
    /// The command that applies now. A connection that received a request in the meantime stays open. Call it in
    /// the task that receives the connection's requests.
    pub(crate) fn order(&self) -> Option<Command> {
        let connection = &self.connection;
        let mut open = self.connections.open();
        if connection.is_leaving() && connection.phase().0 == Phase::Works {
            let stopping = open.stopping;
            connection.order.store(if stopping { Command::Stop as u8 } else { 0 }, Ordering::Relaxed);
            open.leaving -= 1;
            open.count(connection.address);
        }
        connection.order()
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.all.remove(&self.connection.number);
        if self.connection.is_leaving() {
            open.leaving -= 1;
        } else {
            open.discount(self.connection.address);
        }
        drop(open);
        self.connections.left.notify_one();
    }
}

impl Connections {
    pub(crate) fn new(bounds: &Bounds) -> Arc<Self> {
        Arc::new(Self {
            most: bounds.connections.max(1),
            of_an_address: bounds.of_an_address.max(1),
            proxies: bounds.proxies.clone(),
            head_within: whole_seconds(bounds.head_within),
            idle: whole_seconds(bounds.idle),
            seconds: Arc::default(),
            open: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// Admits a connection. `None`: the limit is reached, and every connection is being served.
    pub(crate) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<ConnectionPermit> {
        let peer = peer.to_canonical();
        let is_proxy = self.proxies.iter().any(|network| network.contains(&peer));
        let address = (!is_proxy).then(|| address_of(peer));
        let mut open = self.open();
        if let Some(address) = address
            && open.of.get(&address).is_some_and(|count| *count >= self.of_an_address)
            && open.displace(Some(address), self.of_an_address / CLOSED_DIVISOR) == 0
        {
            open.counts.refused += 1;
            return None;
        }
        if open.all.len() - open.leaving >= self.most && open.displace(None, self.most / CLOSED_DIVISOR) == 0
        {
            open.counts.refused += 1;
            return None;
        }
        let number = open.next;
        open.next += 1;
        let connection = Arc::new(ConnectionState {
            number,
            address,
            state: AtomicU64::new(0),
            seconds: Arc::clone(&self.seconds),
            order: AtomicU8::new(0),
            ordered: Notify::new(),
        });
        connection.set(Phase::Head);
        open.all.insert(number, Arc::clone(&connection));
        open.count(address);
        Some(ConnectionPermit { connections: Arc::clone(self), connection })
    }

    /// Waits until few enough connections are still closing: they use file descriptors until they are closed.
    pub(crate) async fn room(&self) {
        while self.open().leaving > MAX_LEAVING {
            self.left.notified().await;
        }
    }

    /// Called once a second: closes connections that have been idle for too long. Returns what happened since
    /// the last call.
    pub(crate) fn sweep(&self) -> SweepCounts {
        let now = self.seconds.fetch_add(1, Ordering::Relaxed) + 1;
        let mut open = self.open();
        let mut late = Vec::new();
        for connection in open.all.values().filter(|connection| !connection.is_leaving()) {
            let (phase, since) = connection.phase();
            let within = match phase {
                // Reading the body has its own time limit.
                Phase::Works | Phase::Body => continue,
                Phase::Head => self.head_within,
                Phase::Idle => self.idle,
            };
            if now.saturating_sub(since) > within {
                late.push((phase, Arc::clone(connection)));
            }
        }
        for (phase, connection) in late {
            open.counts.late += u64::from(phase == Phase::Head);
            open.send_away(&connection, Command::Late);
        }
        std::mem::take(&mut open.counts)
    }

    /// Commands every connection to finish its current request and close.
    pub(crate) fn stop(&self) {
        let mut open = self.open();
        open.stopping = true;
        for connection in open.all.values().filter(|connection| !connection.is_leaving()) {
            connection.send_command(Command::Stop);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Closes the connections that have been idle longest: `count` of them, at least one. Returns how many.
    fn displace(&mut self, of: Option<IpAddr>, count: usize) -> usize {
        let mut waiting: Vec<_> = self
            .all
            .values()
            .filter(|connection| of.is_none() || connection.address == of)
            .filter(|connection| !connection.is_leaving())
            .filter_map(|connection| match connection.phase() {
                (Phase::Works, _) => None,
                (_, since) => Some((since, connection.number, Arc::clone(connection))),
            })
            .collect();
        waiting.sort_unstable_by_key(|(since, number, _)| (*since, *number));
        waiting.truncate(count.max(1));
        for (.., connection) in &waiting {
            self.send_away(connection, Command::Displaced);
        }
        self.counts.displaced += waiting.len() as u64;
        waiting.len()
    }

    fn send_away(&mut self, connection: &ConnectionState, order: Command) {
        self.leaving += 1;
        self.discount(connection.address);
        connection.send_command(order);
    }

    fn count(&mut self, address: Option<IpAddr>) {
        if let Some(address) = address {
            *self.of.entry(address).or_default() += 1;
        }
    }

    fn discount(&mut self, address: Option<IpAddr>) {
        if let Some(address) = address
            && let Some(count) = self.of.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&address);
            }
        }
    }
}

fn whole_seconds(span: Duration) -> u64 {
    span.as_secs().max(1)
}
