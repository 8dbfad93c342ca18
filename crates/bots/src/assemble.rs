//! Builds [`Bots`] and the [`Supervisor`] from their parts.

use std::{num::NonZeroU32, sync::Arc};

use broker::Broker;
use metrics::Metrics;
use model::Environment;
use outbound::CallbackClient;
use store::BotStore;

use crate::{
    browsers::Browsers,
    handle::{
        Bots, Commands, Creator, Editor, Evidence, Logs, Media, Meetings, Reader, RequestCheck,
        WorkspaceLimit,
    },
    log::BotLog,
    run::RunParts,
    screenshots::Screenshots,
    servers::{BotSlots, CapacityRule, ThisServer},
    settings::{Retention, Timing},
    supervisor::{Supervisor, Sweeper},
};

/// The dependencies and settings of [`Bots::start`].
pub struct Parts {
    /// Stores the rows of bots.
    pub store: Arc<dyn BotStore>,
    /// Provides tokens and signatures.
    pub broker: Arc<Broker>,
    /// Opens pages for bots.
    pub browsers: Browsers,
    /// Fetches tokens from callers' URLs.
    pub callbacks: CallbackClient,
    /// Stores pictures of bots' pages.
    pub screenshots: Screenshots,
    /// Records what bots do, and why.
    pub log: BotLog,
    /// Counts and measures.
    pub metrics: Metrics,
    /// Clock and random numbers.
    pub env: Environment,
    /// How many bots can run here at once.
    pub capacity: CapacityRule,
    /// The most bots of one workspace that may wait or run, on all servers together.
    pub most_of_a_workspace: NonZeroU32,
    /// The operator's time limits.
    pub timing: Timing,
    /// How long data of bots is stored.
    pub retention: Retention,
}

impl Bots {
    /// Starts the workers that run bots. Returns the API for callers, and the supervisor, which stops the workers.
    pub fn start(parts: Parts) -> (Arc<Self>, Arc<Supervisor>) {
        let Parts { store, broker, browsers, callbacks, screenshots, log, metrics, env, .. } = parts;
        let this_server = ThisServer::new(env.entropy.token(), parts.capacity);
        let run = Arc::new(RunParts {
            store: store.clone(),
            broker: broker.clone(),
            browsers,
            callbacks,
            screenshots: screenshots.clone(),
            log: log.clone(),
            metrics: metrics.clone(),
            env: env.clone(),
            timing: parts.timing,
            events_kept_for: parts.retention.meeting_events,
        });
        let sweeper = Sweeper {
            bots: store.clone(),
            logs: store.clone(),
            events: store.clone(),
            screenshots: screenshots.clone(),
            retention: parts.retention,
            env: env.clone(),
        };
        let most_bots = parts.capacity.most();
        let supervisor = Arc::new(Supervisor::start(run, this_server.clone(), most_bots, sweeper));

        let (vault, wake) = (broker.vault.clone(), supervisor.wake());
        let check = Arc::new(RequestCheck {
            apps: store.clone(),
            pools: store.clone(),
            users: broker.users.clone(),
            meeting_map: broker.meeting_map.clone(),
            env: env.clone(),
        });
        let logs = Logs { store: store.clone(), written: log.clone() };
        let bots = Self {
            creator: Creator {
                store: store.clone(),
                check: check.clone(),
                places: BotSlots::new(store.clone(), this_server),
                limit: WorkspaceLimit::new(store.clone(), parts.most_of_a_workspace),
                vault: vault.clone(),
                log: log.clone(),
                metrics,
                env: env.clone(),
                wake: wake.clone(),
            },
            editor: Editor {
                store: store.clone(),
                check,
                vault: vault.clone(),
                log: log.clone(),
                env: env.clone(),
                wake: wake.clone(),
            },
            reader: Reader { store: store.clone(), vault: vault.clone() },
            commands: Commands {
                bots: store.clone(),
                outputs: store.clone(),
                vault: vault.clone(),
                log,
                env: env.clone(),
                wake,
            },
            meetings: Meetings { events: store.clone(), endpoints: store.clone(), vault },
            evidence: Evidence { logs: logs.clone(), screenshots: screenshots.clone(), env },
            media: Media { events: store, logs: logs.clone(), screenshots: screenshots.clone() },
            logs,
            screenshots,
        };
        (Arc::new(bots), supervisor)
    }
}
