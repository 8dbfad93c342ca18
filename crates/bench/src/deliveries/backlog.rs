//! The cost of one endpoint's turn in the store, with few and with many waiting deliveries.

use std::time::Duration;

use anyhow::ensure;
use model::{EndpointKind, EndpointState, LeaseToken, Sealed, WebhookEndpointId};
use store::{ClaimLimits, FailureRun, Store, WebhookEndpoint};

use super::BacklogRow;
use crate::{
    installation::{Backend, Installation},
    statistics::Sample,
    test_bed::Place,
};

const ENDPOINTS: u32 = 100;
/// Endpoints claimed at once, as in the worker.
const CLAIM: usize = 16;
const BATCH: u32 = 32;
const LEASE: Duration = Duration::from_secs(60);
/// The default refresh rate; nothing is refreshed here.
const PACE: u32 = 10;

/// Measures both sizes alternately, because the machine's speed varies from minute to minute.
pub(super) async fn measure(
    place: &Place,
    store: &'static str,
    backend: &impl AsyncFn() -> anyhow::Result<Backend>,
    quick: bool,
) -> anyhow::Result<Vec<BacklogRow>> {
    // The smaller number still fills each endpoint's batch, so that both sides read the same number of rows.
    let counts = if quick { [10_000, 20_000] } else { [10_000, 1_000_000] };
    let rounds = if quick { 2 } else { 100 };
    let mut sides = Vec::new();
    for waiting in counts {
        println!("deliveries: {store}, filling in {waiting}");
        let installation = Installation::found(place, backend().await?, PACE).await?;
        add_endpoints(place, &installation).await?;
        installation.queue(place, installation.workspace, waiting / ENDPOINTS).await?;
        sides.push((waiting, installation.store().await?, Vec::new()));
    }
    // The first round is a warm-up.
    for round in 0..=rounds {
        for (_, rows, values) in &mut sides {
            let turn = turn(place, &**rows).await?;
            if round > 0 {
                values.push(turn);
            }
        }
    }
    let mut fewest = None;
    let row = |(waiting, _, values)| {
        let turn_us = Sample::of(values);
        println!("deliveries: {store}, {waiting} wait: {:.0} µs a turn", turn_us.median);
        let ratio = turn_us.median / *fewest.get_or_insert(turn_us.median);
        BacklogRow { store, waiting, turn_us, ratio }
    };
    Ok(sides.into_iter().map(row).collect())
}

/// Adds endpoint rows whose secrets are never opened: nothing is sent.
async fn add_endpoints(place: &Place, installation: &Installation) -> anyhow::Result<()> {
    let store = installation.store().await?;
    for _ in 0..ENDPOINTS {
        let endpoint = WebhookEndpoint {
            id: WebhookEndpointId::generate(&place.env),
            workspace: installation.workspace,
            url: Sealed(vec![0]),
            secrets: Sealed(vec![0]),
            kind: EndpointKind::Webhook,
            lane: String::new(),
            description: String::new(),
            event_types: Vec::new(),
            svix_headers: false,
            state: EndpointState::Enabled,
            disabled_at: None,
            run: FailureRun::default(),
            created_at: place.env.now(),
        };
        store.add_webhook_endpoint(&endpoint, ENDPOINTS).await?;
    }
    Ok(())
}

/// Microseconds per endpoint's turn: its lease, the due deliveries, its release.
async fn turn(place: &Place, store: &dyn Store) -> anyhow::Result<f64> {
    let env = &place.env;
    let (begun, now) = (env.clock.elapsed(), env.now());
    let tokens: Vec<_> = (0..CLAIM).map(|_| LeaseToken::generate(env)).collect();
    let lanes = ClaimLimits { full: &[], full_workspaces: &[], most: u32::MAX };
    let leased = store.lease_due_endpoints(&tokens, lanes, now, now + LEASE).await?;
    ensure!(leased.len() == CLAIM, "{} endpoints were leased instead of {CLAIM}", leased.len());
    for (endpoint, lease, _) in &leased {
        let due = store.due_deliveries(endpoint.id, now, BATCH).await?;
        ensure!(due.len() == BATCH as usize, "{} deliveries are due instead of {BATCH}", due.len());
        store.release_endpoint(endpoint.id, lease).await?;
    }
    let took = env.clock.elapsed().saturating_sub(begun).as_secs_f64();
    Ok(took * 1e6 / f64::from(u32::try_from(CLAIM)?))
}
