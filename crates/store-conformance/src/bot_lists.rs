//! Listing, finding and counting bots.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{collections::BTreeMap, time::Duration};

use model::{BotStatus, CredentialId, PoolId, StatusChange, SubCode, WorkspaceId};
use store::{
    Bot, BotChange, BotChanged, BotFilter, Member, PictureChange, Pool, SignsInWith, Transition,
    event_bodies::{AtStake, ScheduledBot},
};

use crate::{
    Conformance,
    bots::{added, bot, leased, step},
    credentials,
};

pub async fn lists_are_newest_first_and_stable(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(added(suite, workspace).await.id);
    }
    // All have the same time: the id decides, and pages neither repeat nor omit a bot.
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let mut seen = Vec::new();
    for page in 0..4 {
        let page = suite.store.bots(workspace, &BotFilter::default(), page, 2).await.unwrap();
        assert_eq!(page.count, 7);
        seen.extend(page.bots.iter().map(|bot| bot.id));
    }
    assert_eq!(seen, ids);
    let beyond = suite.store.bots(workspace, &BotFilter::default(), u64::MAX, 2).await.unwrap();
    assert!(beyond.bots.is_empty());
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert_eq!(suite.store.bots(elsewhere, &BotFilter::default(), 0, 2).await.unwrap().count, 0);
}

pub async fn filters_of_bots_apply(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (joining, _) = leased(suite, workspace).await;
    let mut labelled = bot(suite, workspace);
    labelled.metadata = BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
    labelled.join_at = Some(suite.env.now() + Duration::from_secs(3600));
    suite.store.add_bot(&labelled, None).await.unwrap();

    let only = async |filter: BotFilter| {
        let page = suite.store.bots(workspace, &filter, 0, 10).await.unwrap();
        assert_eq!(page.count, page.bots.len() as u64);
        page.bots.iter().map(|bot| bot.id).collect::<Vec<_>>()
    };
    let both = vec![BotStatus::Ready, BotStatus::Done];
    assert_eq!(only(BotFilter { status: both, ..Default::default() }).await.len(), 2);
    assert!(only(BotFilter { status: vec![BotStatus::Fatal], ..Default::default() }).await.is_empty());
    let same_meeting = BotFilter { meeting_digest: Some(joining.meeting_digest), ..Default::default() };
    assert_eq!(only(same_meeting).await, [joining.id]);
    let later = BotFilter { join_at_after: Some(suite.env.now()), ..Default::default() };
    assert_eq!(only(later).await, [labelled.id]);
    let earlier = BotFilter { join_at_before: Some(suite.env.now()), ..Default::default() };
    assert!(only(earlier).await.is_empty());
    let labels = |pairs: &[(&str, &str)]| BotFilter {
        metadata: pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        ..Default::default()
    };
    assert_eq!(only(labels(&[("a", "1"), ("b", "2")])).await, [labelled.id]);
    assert!(only(labels(&[("a", "1"), ("b", "3")])).await.is_empty());
    assert!(only(labels(&[("a' OR 1=1 --", "1")])).await.is_empty());
}

async fn taken_to(
    suite: &Conformance,
    workspace: WorkspaceId,
    steps: &[(BotStatus, Option<SubCode>)],
) -> Bot {
    let (bot, lease) = leased(suite, workspace).await;
    for (code, sub_code) in steps {
        let step = StatusChange { sub_code: *sub_code, ..step(suite, *code) };
        assert_eq!(suite.store.record_step(bot.id, &lease, &step).await.unwrap(), Transition::Recorded);
    }
    bot
}

pub async fn bots_are_found_by_sub_code_and_account(suite: &Conformance) {
    use BotStatus::{CallEnded, Done, Fatal, InCallNotRecording, JoiningCall};
    let workspace = suite.workspace().await;
    let refused = (Fatal, Some(SubCode::MeetingRequiresSignIn));
    let turned_away = taken_to(suite, workspace, &[(JoiningCall, None), refused]).await;
    taken_to(suite, workspace, &[(JoiningCall, None), (Fatal, Some(SubCode::MeetingFull))]).await;
    let found = async |filter: BotFilter| {
        let page = suite.store.bots(workspace, &filter, 0, 10).await.unwrap();
        assert_eq!(page.count, page.bots.len() as u64);
        page.bots.into_iter().map(|bot| bot.id).collect::<Vec<_>>()
    };
    let with_code = |code| BotFilter { sub_code: Some(code), ..BotFilter::default() };
    assert_eq!(found(with_code(SubCode::MeetingRequiresSignIn)).await, [turned_away.id]);
    // The latest sub code counts, even if a step without a sub code follows.
    let left = [
        (JoiningCall, Some(SubCode::MeetingNotStarted)),
        (InCallNotRecording, None),
        (CallEnded, Some(SubCode::CallEndedByHost)),
        (Done, None),
    ];
    let left = taken_to(suite, workspace, &left).await;
    assert_eq!(found(with_code(SubCode::CallEndedByHost)).await, [left.id]);
    assert!(found(with_code(SubCode::MeetingNotStarted)).await.is_empty());
    let stranger = WorkspaceId::generate(&suite.env);
    let theirs = suite.store.bots(stranger, &with_code(SubCode::CallEndedByHost), 0, 10).await.unwrap();
    assert_eq!((theirs.count, theirs.bots.len()), (0, 0));

    let (one, other) = (CredentialId::generate(&suite.env), CredentialId::generate(&suite.env));
    let with = |account| SignsInWith { account: Some(account), pool: Some(PoolId::generate(&suite.env)) };
    let signed_in = Bot { signs_in_with: with(one), ..bot(suite, workspace) };
    suite.store.add_bot(&signed_in, None).await.unwrap();
    let of = |account| BotFilter { account: Some(account), ..BotFilter::default() };
    assert_eq!(found(of(one)).await, [signed_in.id]);
    let read = suite.store.bot(workspace, signed_in.id).await.unwrap().unwrap();
    assert_eq!(read.signs_in_with, signed_in.signs_in_with);

    let change = BotChange {
        request: suite.sealed(),
        meeting_digest: signed_in.meeting_digest,
        join_at: None,
        metadata: BTreeMap::new(),
        signs_in_with: with(other),
        picture: PictureChange::Keep,
    };
    let changed = suite.store.change_bot(workspace, signed_in.id, &signed_in.request, &change).await.unwrap();
    assert!(matches!(changed, BotChanged::Done(bot) if bot.signs_in_with == change.signs_in_with));
    assert!(found(of(one)).await.is_empty());
    assert_eq!(found(of(other)).await, [signed_in.id]);
}

pub async fn the_next_bots_of_an_account_are_listed_and_all_are_counted(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let (mut accounts, mut pools) = (Vec::new(), Vec::new());
    for person in ["ada", "bob"] {
        let account = credentials::account(suite, workspace, app.id, person);
        credentials::connect(suite, &account).await.unwrap();
        let pool = PoolId::generate(&suite.env);
        let row = Pool { id: pool, workspace, name: person.into(), created_at: suite.env.now() };
        let person = person.to_owned();
        let member = Member { account: (account.id, None), person, address: None, joins: 1, hosted: 1 };
        suite.store.add_pool(&row, &[member]).await.unwrap();
        accounts.push(account.id);
        pools.push(pool);
    }
    let now = suite.env.now();
    let of = |account: usize| SignsInWith { account: Some(accounts[account]), pool: None };
    let through = |pool: usize| SignsInWith { account: None, pool: Some(pools[pool]) };
    let scheduled = async |hours: Option<u64>, signs_in_with| {
        let join_at = hours.map(|hours| now + Duration::from_secs(3600) * u32::try_from(hours).unwrap());
        let bot = Bot { join_at, signs_in_with, ..bot(suite, workspace) };
        suite.store.add_bot(&bot, None).await.unwrap();
        bot.id
    };
    let next = scheduled(Some(1), through(0)).await;
    let last = scheduled(Some(3), of(0)).await;
    let second = scheduled(Some(2), of(0)).await;
    for (hours, signs_in_with) in [
        (Some(1), of(1)),
        (Some(1), through(1)),
        (Some(0), of(0)),
        (None, of(0)),
        (Some(1), SignsInWith::default()),
    ] {
        scheduled(hours, signs_in_with).await;
    }
    let at = |hours: u32| now + Duration::from_secs(3600) * hours;
    let named = [(next, at(1), true), (second, at(2), false), (last, at(3), false)]
        .map(|(id, join_at, through_pool)| ScheduledBot { id, join_at, through_pool });
    let stake =
        async |workspace, most| suite.store.at_stake(workspace, accounts[0], now, most).await.unwrap();
    assert_eq!(stake(workspace, 9).await, AtStake { count: 3, bots: named.to_vec() });
    assert_eq!(stake(workspace, 2).await, AtStake { count: 3, bots: named[..2].to_vec() });
    assert_eq!(stake(WorkspaceId::generate(&suite.env), 9).await, AtStake::default());

    // A cancelled bot does not count any more.
    suite.store.cancel_bot(workspace, second).await.unwrap();
    assert_eq!(stake(workspace, 9).await.count, 2);
}

pub async fn outcomes_of_bots_are_counted_by_hour(suite: &Conformance) {
    use BotStatus::{CallEnded, Done, Fatal, InCallNotRecording, JoiningCall};
    let workspace = suite.workspace().await;
    let refused = (Fatal, Some(SubCode::MeetingRequiresSignIn));
    for _ in 0..2 {
        taken_to(suite, workspace, &[(JoiningCall, None), refused]).await;
    }
    taken_to(
        suite,
        workspace,
        &[(JoiningCall, None), (InCallNotRecording, None), (CallEnded, None), (Done, None)],
    )
    .await;
    let now = suite.env.now();
    let outcomes = suite.store.bot_outcomes(workspace, now).await.unwrap();
    let counted: Vec<_> = outcomes.iter().map(|row| (row.code, row.sub_code, row.bots)).collect();
    let fatal = (Fatal, Some(SubCode::MeetingRequiresSignIn), 2);
    assert_eq!(counted, [(Done, None, 1), fatal, (InCallNotRecording, None, 1)]);
    assert!(outcomes.iter().all(|row| row.hour <= now && now.since(row.hour) < Duration::from_secs(3600)));
    let later = now + Duration::from_secs(1);
    assert!(suite.store.bot_outcomes(workspace, later).await.unwrap().is_empty());
    let stranger = WorkspaceId::generate(&suite.env);
    assert!(suite.store.bot_outcomes(stranger, now).await.unwrap().is_empty());
}
