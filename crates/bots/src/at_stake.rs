//! The bots that are affected when an account cannot sign bots in: those scheduled with it.

use std::collections::{HashMap, hash_map::Entry};

use model::{BotId, BotStatus, CredentialId, Failure, Timestamp, WorkspaceId};
use serde::Serialize;
use store::{BotFilter, Bots, MemberUsage, Pools};
use tenants::Vault;

use crate::request::BotRequest;

/// Scheduled bots of a workspace that are looked at: their requests are sealed, so each is opened.
const MAX_OPENED: u64 = 500;
/// Bots that are named; of more, the number alone.
const MAX_NAMED: usize = 20;

/// Bots that are scheduled with an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AtStake {
    /// How many.
    pub count: usize,
    /// The next of them.
    pub bots: Vec<ScheduledBot>,
}

/// A bot that is scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduledBot {
    /// Its id.
    pub id: BotId,
    /// When it joins.
    pub join_at: Timestamp,
    /// Whether a pool may give it another account.
    pub through_pool: bool,
}

/// The bots that are scheduled with this account, or with a pool that it belongs to, the next first.
#[tracing::instrument(skip_all, fields(%account))]
pub async fn at_stake(
    store: &(impl Bots + Pools + Sync + ?Sized),
    vault: &Vault,
    workspace: WorkspaceId,
    account: CredentialId,
    now: Timestamp,
) -> Result<AtStake, Failure> {
    let scheduled =
        BotFilter { status: vec![BotStatus::Ready], join_at_after: Some(now), ..BotFilter::default() };
    let (mut found, mut pools) = (Vec::new(), HashMap::new());
    for bot in store.bots(workspace, &scheduled, 0, MAX_OPENED).await?.bots {
        let zoom = BotRequest::open(vault, workspace, bot.id, &bot.request)?.zoom;
        let through_pool = match zoom.pool {
            None if zoom.account() == Some(account) => false,
            None => continue,
            Some(pool) => {
                let is_there = match pools.entry(pool) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        let found = store.pool(workspace, pool, now).await?;
                        let of_account = |one: &MemberUsage| one.member.account.0 == account;
                        *new.insert(found.is_some_and(|(_, members)| members.iter().any(of_account)))
                    }
                };
                if !is_there {
                    continue;
                }
                true
            }
        };
        found.extend(bot.join_at.map(|join_at| ScheduledBot { id: bot.id, join_at, through_pool }));
    }
    found.sort_by_key(|bot| (bot.join_at, bot.id));
    let count = found.len();
    found.truncate(MAX_NAMED);
    Ok(AtStake { count, bots: found })
}
