//! The output of bots: pictures and chat messages.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;

use futures_util::future::join_all;
use model::{BotId, BotStatus, ChatMessageId, Sealed, WorkspaceId};

use crate::{
    CALLERS, Conformance,
    bots::{added, bot, leased, step},
};
use store::{BotChange, BotChanged, ChatMessage, ChatProgress, PictureChange, Queued};

fn message(suite: &Conformance, workspace: WorkspaceId, bot: BotId) -> ChatMessage {
    let (id, created_at) = (ChatMessageId::generate(&suite.env), suite.env.now());
    ChatMessage { id, bot, workspace, message: suite.sealed(), created_at }
}

async fn queued(suite: &Conformance, workspace: WorkspaceId, bot: BotId) -> ChatMessage {
    let message = message(suite, workspace, bot);
    assert_eq!(suite.store.queue_message(&message, 100).await.unwrap(), Queued::Waits);
    message
}

pub async fn a_picture_belongs_to_its_bot_and_is_replaced(suite: &Conformance) {
    let (workspace, elsewhere) = (suite.workspace().await, WorkspaceId::generate(&suite.env));
    let (first, second) = (suite.sealed(), suite.sealed());
    let made = bot(suite, workspace);
    suite.store.add_bot(&made, Some(&first)).await.unwrap();
    let other = added(suite, workspace).await;
    let shown = async |bot: BotId| suite.store.picture(bot).await.unwrap();
    assert_eq!((shown(made.id).await, shown(other.id).await), (Some(first.clone()), None));
    assert!(suite.store.set_picture(elsewhere, made.id, Some(&second)).await.unwrap().is_none());
    assert_eq!(shown(made.id).await, Some(first));
    let changed = suite.store.set_picture(workspace, made.id, Some(&second)).await.unwrap().unwrap();
    assert_eq!((changed.output_revision, shown(made.id).await), (1, Some(second)));
    let changed = suite.store.set_picture(workspace, made.id, None).await.unwrap().unwrap();
    assert_eq!((changed.output_revision, shown(made.id).await), (2, None));
}

pub async fn a_picture_is_changed_with_the_request_or_not_at_all(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let (first, second) = (suite.sealed(), suite.sealed());
    let mut request = made.request.clone();
    let change = async |old: &Sealed, picture: PictureChange| {
        let change = BotChange {
            request: suite.sealed(),
            meeting_digest: suite.env.entropy.bytes(),
            join_at: None,
            metadata: BTreeMap::new(),
            signs_in_with: store::SignsInWith::default(),
            picture,
        };
        let changed = suite.store.change_bot(workspace, made.id, old, &change).await.unwrap();
        let BotChanged::Done(bot) = changed else { return None };
        let row = suite.store.bot(workspace, made.id).await.unwrap().unwrap();
        assert_eq!((&row.request, row.output_revision), (&bot.request, bot.output_revision));
        Some((bot.request, bot.output_revision))
    };
    let shown = async || suite.store.picture(made.id).await.unwrap();
    for (picture, revision, wanted) in [
        (PictureChange::Keep, 0, None),
        (PictureChange::Show(first.clone()), 1, Some(first.clone())),
        (PictureChange::Keep, 1, Some(first.clone())),
        (PictureChange::Show(second.clone()), 2, Some(second.clone())),
        (PictureChange::Remove, 3, None),
        (PictureChange::Show(first.clone()), 4, Some(first.clone())),
    ] {
        let (now, raised) = change(&request, picture).await.unwrap();
        assert_eq!((raised, shown().await), (revision, wanted));
        request = now;
    }
    // Another caller has changed the request in the meantime, so this change is refused as a whole.
    assert!(change(&suite.sealed(), PictureChange::Show(second)).await.is_none());
    assert_eq!(shown().await, Some(first));
}

pub async fn a_bots_output_is_erased_at_its_end(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let picture = suite.sealed();
    suite.store.set_picture(workspace, bot.id, Some(&picture)).await.unwrap();
    let waits = queued(suite, workspace, bot.id).await;
    suite.store.record_step(bot.id, &lease, &step(suite, BotStatus::Fatal)).await.unwrap();
    assert_eq!(suite.store.picture(bot.id).await.unwrap(), None);
    assert_eq!(suite.store.chat_progress(workspace, waits.id).await.unwrap(), None);
    let ended = suite.store.set_picture(workspace, bot.id, Some(&picture)).await.unwrap().unwrap();
    assert_eq!((ended.status(), suite.store.picture(bot.id).await.unwrap()), (BotStatus::Fatal, None));
    let late = message(suite, workspace, bot.id);
    assert_eq!(suite.store.queue_message(&late, 100).await.unwrap(), Queued::NoBot);
}

pub async fn a_message_is_taken_once_and_only_under_the_bots_lease(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let (first, second) = (queued(suite, workspace, bot.id).await, queued(suite, workspace, bot.id).await);
    let stranger = suite.lease(60);
    assert_eq!(suite.store.take_message(bot.id, &stranger).await.unwrap(), None);
    assert_eq!(suite.store.take_message(bot.id, &lease).await.unwrap(), Some(first.clone()));
    let takers = (0..CALLERS).map(|_| suite.store.take_message(bot.id, &lease));
    let taken: Vec<_> = join_all(takers).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(taken, [second]);
    let delivery = async |id| suite.store.chat_progress(workspace, id).await.unwrap();
    assert_eq!(delivery(first.id).await, Some(ChatProgress::Taken));
    for settled in
        [ChatProgress::Sent, ChatProgress::Refused("no 🙊".into()), ChatProgress::Unconfirmed("hm".into())]
    {
        suite.store.settle_message(first.id, &settled).await.unwrap();
        assert_eq!(delivery(first.id).await, Some(settled));
    }
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert_eq!(suite.store.chat_progress(elsewhere, first.id).await.unwrap(), None);
}

pub async fn the_number_of_queued_messages_is_limited(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let messages: Vec<_> = (0..CALLERS).map(|_| message(suite, workspace, bot.id)).collect();
    let queued = join_all(messages.iter().map(|message| suite.store.queue_message(message, 2))).await;
    let waits = queued.into_iter().filter(|queued| *queued.as_ref().unwrap() == Queued::Waits).count();
    assert_eq!(waits, 2);
    let taken = suite.store.take_message(bot.id, &lease).await.unwrap().unwrap();
    let another = message(suite, workspace, bot.id);
    assert_eq!(suite.store.queue_message(&another, 2).await.unwrap(), Queued::Full, "it is being sent");
    suite.store.settle_message(taken.id, &ChatProgress::Sent).await.unwrap();
    assert_eq!(suite.store.queue_message(&another, 2).await.unwrap(), Queued::Waits);
}

pub async fn a_queued_message_can_be_erased(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let (first, second) = (queued(suite, workspace, bot.id).await, queued(suite, workspace, bot.id).await);
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(!suite.store.erase_message(elsewhere, first.id).await.unwrap());
    assert!(suite.store.erase_message(workspace, first.id).await.unwrap());
    assert_eq!(suite.store.take_message(bot.id, &lease).await.unwrap(), Some(second.clone()));
    assert!(!suite.store.erase_message(workspace, second.id).await.unwrap(), "it is being sent");
    suite.store.settle_message(second.id, &ChatProgress::Sent).await.unwrap();
    assert!(suite.store.erase_message(workspace, second.id).await.unwrap());
}
