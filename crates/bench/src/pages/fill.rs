//! Creates ended bots, as many as accumulate within their retention time.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures_util::{TryStreamExt as _, stream};
use model::{BotId, BotStatus, CredentialId, StatusChange, SubCode, Timestamp};
use sealing::Provider;
use serde_json::json;
use stage::text;
use store::{Bot, BotServer, SignsInWith};
use tenants::{Cell, Vault};

use crate::{installation::Installation, test_bed::Place};

/// Interval between bots. All are younger than 90 days, after which bots are deleted.
const INTERVAL: Duration = Duration::from_secs(60);
/// Concurrent transactions.
const AT_ONCE: usize = 16;
/// A join time after any measurement.
const FAR: &str = "2099-01-01T00:00:00Z";

impl Installation {
    /// Adds this many bots for some of the accounts. Returns one account that has bots, and its last bot.
    pub(super) async fn fill_bots(&self, place: &Place, bots: u32) -> anyhow::Result<(CredentialId, BotId)> {
        let (store, env) = (self.store().await?, &place.env);
        // Bots are only accepted if some server runs bots.
        let elsewhere = BotServer { id: "elsewhere".into(), seen_at: env.now(), capacity: 1 };
        store.report_bot_server(&elsewhere, Timestamp::MIN).await?;
        let server = self.serve(place).await?;
        // Sealed by the server; all other bots get the same value.
        let request = json!({ "meeting_url": "https://zoom.us/j/81234567890?pwd=abc", "bot_name": "Notes", "join_at": FAR });
        let id: BotId = text(&server.post("/api/v1/bot/", &request).await?, "id")?.parse()?;
        server.stop().await;
        let vault = Vault::new(Arc::new(Provider::file(self.folder.join("keys.json")).open(env).await?));
        let first = store.bot(self.workspace, id).await?.context("the first bot no longer exists")?;
        let request = vault.open(self.workspace, Cell::BotRequest(id), &first.request)?;
        let accounts: Vec<_> =
            store.credentials(self.workspace).await?.iter().map(|row| row.id).take(100).collect();
        let last = BotId::generate(env);
        let bot = |number: u32| {
            let created_at = env.now() - INTERVAL * (bots - number);
            let id = if number + 1 == bots { last } else { BotId::generate_at(created_at, env) };
            let account = accounts[number as usize % accounts.len()];
            Bot {
                id,
                request: vault.seal(self.workspace, Cell::BotRequest(id), &request),
                join_at: None,
                signs_in_with: SignsInWith { account: Some(account), pool: None },
                status_changes: steps(number, created_at),
                created_at,
                ..first.clone()
            }
        };
        let store = &store;
        stream::iter((0..bots).map(Ok))
            .try_for_each_concurrent(AT_ONCE, |number| {
                let bot = bot(number);
                async move { store.add_bot(&bot, None).await }
            })
            .await?;
        Ok((accounts[(bots as usize - 1) % accounts.len()], last))
    }
}

/// Every tenth bot was refused for one of three reasons; the others were in their meetings.
fn steps(number: u32, created_at: Timestamp) -> Vec<StatusChange> {
    let step = |seconds, code, sub_code| StatusChange {
        code,
        message: None,
        created_at: created_at + Duration::from_secs(seconds),
        sub_code,
    };
    let mut steps = vec![step(0, BotStatus::Ready, None), step(1, BotStatus::JoiningCall, None)];
    if number % 10 == 3 {
        let reasons = [
            SubCode::MeetingRequiresSignIn,
            SubCode::TimeoutExceededWaitingRoom,
            SubCode::MeetingPasswordIncorrect,
        ];
        steps.push(step(3, BotStatus::Fatal, Some(reasons[number as usize / 10 % 3])));
    } else {
        steps.push(step(3, BotStatus::InCallNotRecording, None));
        steps.push(step(1800, BotStatus::CallEnded, Some(SubCode::CallEndedByHost)));
        steps.push(step(1801, BotStatus::Done, None));
    }
    steps
}
