//! Scenarios beyond single crashes: several servers, slow answers, an unavailable database, cut connections.

mod audit;
mod bad_answers;
mod database_cut;
mod deliveries;
mod full_disk;
mod network_loss;
mod suspended_server;
mod thousand_bots;
mod token_stampede;

use model::KillPoint;

use crate::{Case, Database, Story, world::World};

#[derive(Debug, Clone, Copy)]
pub(crate) enum Scenario {
    /// Killed right after a token was issued.
    Audit,
    /// Zoom's answers are invalid in many ways.
    BadAnswers,
    /// Zoom takes a minute to answer.
    SlowZoom,
    /// The holder of an expired lease returns with a grant, but the owner has consented again meanwhile.
    LateAndFenced,
    /// The same, but without a new consent.
    LateAndWelcome,
    /// Zoom answers `invalid_grant`, because another server has just rotated the token.
    JustRotated,
    /// The database is cut off for half a minute during refreshes.
    Cut,
    /// The connections to a meeting are cut while bots are in it, and then their server is stopped.
    Line,
    /// The disk is full for a while.
    FullDisk,
    /// Killed before an event is sent, or when its answer has arrived but is not stored.
    Delivery(KillPoint),
    /// Four servers with two hundred callers each, at the moment of expiry.
    Storm,
    /// A thousand bots for the same second on three servers, one of which is killed.
    Rush,
    /// Bots that join at once, all requested from one of two servers.
    AskedOfOne,
}

use Scenario::{
    AskedOfOne, Audit, BadAnswers, Cut, Delivery, FullDisk, JustRotated, LateAndFenced, LateAndWelcome, Line,
    Rush, SlowZoom, Storm,
};

pub(crate) fn all() -> impl Iterator<Item = Case> {
    use Database::{CuttablePostgres, Postgres, Sqlite};
    let scenarios = [
        (LateAndFenced, Postgres, "a late holder is fenced off"),
        (LateAndWelcome, Postgres, "a late grant heals an account that was given up"),
        (JustRotated, Postgres, "invalid_grant while another server has just rotated"),
        (SlowZoom, Sqlite, "Zoom takes longer than we wait"),
        (Cut, CuttablePostgres, "the database is cut for 30 s"),
        (Line, Postgres, "line cut while bots are in"),
        (BadAnswers, Sqlite, "Zoom answers nonsense"),
        (FullDisk, Sqlite, "the disk is full"),
        (Audit, Sqlite, "killed as soon as a token is given"),
        (Storm, Postgres, "4 servers and 200 callers each at the moment of expiry"),
        (AskedOfOne, Postgres, "100 bots for now, asked of one of 2 servers"),
        (Rush, Postgres, "1000 bots for the same second on 3 servers, and one is killed"),
    ];
    let points = [KillPoint::BeforeDelivery, KillPoint::AfterDelivery, KillPoint::BeforeDeliveryCommit];
    let deliveries = points.into_iter().flat_map(|point| {
        [Sqlite, Postgres].map(|database| Case {
            name: format!("{database}: killed {}", point.name()),
            database,
            story: Story::Scenario(Delivery(point)),
        })
    });
    let scenarios = scenarios.into_iter().map(|(scenario, database, name)| Case {
        name: format!("{database}: {name}"),
        database,
        story: Story::Scenario(scenario),
    });
    scenarios.chain(deliveries)
}

impl Scenario {
    /// Runs the scenario, and returns a description of the result.
    pub(crate) async fn run(self, world: &World) -> anyhow::Result<String> {
        match self {
            Audit => audit::run(world).await,
            BadAnswers => bad_answers::nonsense(world).await,
            SlowZoom => bad_answers::silence(world).await,
            LateAndFenced => suspended_server::fenced(world).await,
            LateAndWelcome => suspended_server::welcome(world).await,
            Line => network_loss::run(world).await,
            JustRotated => suspended_server::just_rotated(world).await,
            Cut => database_cut::run(world).await,
            Delivery(point) => deliveries::run(world, point).await,
            FullDisk => full_disk::run(world).await,
            Storm => token_stampede::run(world).await,
            Rush => thousand_bots::run(world).await,
            AskedOfOne => thousand_bots::asked_of_one(world).await,
        }
    }
}
