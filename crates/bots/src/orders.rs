//! Word from outside to a running bot.

use std::{convert::Infallible, time::Duration};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::{ledger::Ledger, parts::LEASE_LIFE};

/// How often a running bot says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What a bot is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Stay,
    /// The API wants it out.
    Leave,
    /// This process is stopping.
    ShutDown,
    /// The bot belongs to somebody else by now: write nothing more.
    LeaseLost,
}

/// Keeps the lease, and passes on what the row says. Runs beside the bot, whatever the bot is waiting for.
pub(crate) async fn pass_on(
    ledger: &Ledger<'_>,
    changed: &Notify,
    stopping: &CancellationToken,
    orders: &watch::Sender<Order>,
) -> Infallible {
    let Ledger { parts, bot, lease } = *ledger;
    let give = |order| {
        orders.send_if_modified(|current| {
            *current != order && {
                *current = order;
                true
            }
        })
    };
    loop {
        let expires_at = parts.env.now() + LEASE_LIFE;
        match parts.store.renew_bot(bot.id, &lease, expires_at).await {
            Ok(Some(row)) if row.leave_requested_at.is_some() => drop(give(Order::Leave)),
            Ok(Some(_)) if stopping.is_cancelled() => drop(give(Order::ShutDown)),
            Ok(Some(_)) => {}
            Ok(None) => drop(give(Order::LeaseLost)),
            // While the store is away nobody else can take the bot either. A server that stops does not wait for it.
            Err(error) => {
                tracing::warn!(bot = %bot.id, %error, "a bot's lease could not be renewed");
                if stopping.is_cancelled() {
                    give(Order::ShutDown);
                }
            }
        }
        tokio::select! {
            () = changed.notified() => {}
            () = stopping.cancelled(), if !stopping.is_cancelled() => {}
            () = parts.env.clock.sleep(HEARTBEAT) => {}
        }
    }
}

/// Runs `work` unless an order comes first.
pub(crate) async fn obey<T>(
    orders: &mut watch::Receiver<Order>,
    work: impl Future<Output = T>,
) -> Result<T, Order> {
    tokio::select! {
        value = work => Ok(value),
        order = next_order(orders) => Err(order),
    }
}

/// The order that stands, once there is one.
pub(crate) async fn next_order(orders: &mut watch::Receiver<Order>) -> Order {
    loop {
        let order = *orders.borrow_and_update();
        if order != Order::Stay {
            return order;
        }
        if orders.changed().await.is_err() {
            // Whoever gives orders lives as long as the bot does.
            std::future::pending::<()>().await;
        }
    }
}
