//! The bots that are affected when an account cannot sign bots in: those scheduled with it.

use std::collections::{HashMap, hash_map::Entry};

use model::{BotStatus, CredentialId, Failure, Timestamp, WorkspaceId};
use store::{
    Bot, BotFilter, Bots, MemberUsage, Pools, SignsInWith,
    event_bodies::{AtStake, ScheduledBot},
};
use tenants::Vault;

use crate::request::BotRequest;

/// Scheduled bots of a workspace that are looked at, the newest.
const MAX_LOOKED_AT: u64 = 500;
/// Bots that are named; of more, the number alone.
const MAX_NAMED: usize = 20;

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
    for bot in store.bots(workspace, &scheduled, 0, MAX_LOOKED_AT).await?.bots {
        let signs_in_with = signs_in_with(&bot, vault)?;
        let through_pool = match signs_in_with.pool {
            None if signs_in_with.account == Some(account) => false,
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

/// It is kept beside the sealed request. Of bots that are older than its columns, or that bring a token of their own, it is
/// not, and the request is opened.
fn signs_in_with(bot: &Bot, vault: &Vault) -> Result<SignsInWith, Failure> {
    if bot.signs_in_with != SignsInWith::default() {
        return Ok(bot.signs_in_with);
    }
    Ok(BotRequest::open(vault, bot.workspace, bot.id, &bot.request)?.zoom.signs_in_with())
}
