//! Whose token a link gives, and the token.

use std::{net::IpAddr, sync::Arc, time::Duration};

use audit::{Asker, Audited, TokenAccess};
use model::{
    About, AccountUser, Class, Code, CredentialId, Failure, PoolId, Purpose, Secret, Source, Timestamp,
    TokenKind, Who,
};
use store::{AccountState, LinkAccount, LinkSource};

use super::{asked::Asked, live::LiveLink};
use crate::{Broker, Hosting, SeatWish, Seated, WantedObf, WantedZak, may_give_tokens};

/// An access token in an answer lasts at least this long.
const ACCESS_OUTLIVES: Duration = Duration::from_secs(300);
/// An owner hears of the same trouble with an account once in this time.
const ALERT_EVERY: Duration = Duration::from_secs(15 * 60);

/// One answer under way.
pub(super) struct Draw<'a> {
    pub(super) link: &'a LiveLink,
    pub(super) asked: &'a Asked,
    /// Names the holder of a seat where the request names no bot: the id of the request.
    pub(super) request_id: &'a str,
    pub(super) from: Option<IpAddr>,
    /// When the request came.
    pub(super) now: Timestamp,
    /// Until when whoever asks is made to wait.
    pub(super) deadline: Timestamp,
}

/// An account to draw on.
#[derive(Clone, Copy)]
struct Account<'a> {
    credential: CredentialId,
    user: Option<&'a AccountUser>,
    /// The account's epoch, if it was read a moment ago.
    epoch: Option<i64>,
}

impl Broker {
    /// A token of this kind, by the link's terms. Of several accounts, the first that can give one.
    pub(super) async fn draw(
        self: &Arc<Self>,
        draw: &Draw<'_>,
        kind: TokenKind,
    ) -> Result<Audited<Secret>, Failure> {
        match &draw.link.row.terms.source {
            LinkSource::Accounts(_) => self.draw_on_accounts(draw, kind).await,
            LinkSource::Pool(pool) => self.draw_on_pool(draw, kind, *pool).await,
            LinkSource::Host => {
                let host = self.host(draw).await?;
                self.draw_on_host(draw, kind, &host).await
            }
        }
    }

    async fn draw_on_accounts(
        self: &Arc<Self>,
        draw: &Draw<'_>,
        kind: TokenKind,
    ) -> Result<Audited<Secret>, Failure> {
        let mut first = None;
        for (account, state) in draw.link.named() {
            match self.draw_on_named(draw, kind, account, state).await {
                Err(failure) if failure.class() == Class::PersonMustAct => first = first.or(Some(failure)),
                done => return done,
            }
        }
        Err(first.unwrap_or_else(|| Failure::new(Code::Internal, "the link names no account")))
    }

    /// A token of one account that the link names.
    pub(super) async fn draw_on_named(
        self: &Arc<Self>,
        draw: &Draw<'_>,
        kind: TokenKind,
        account: &LinkAccount,
        state: Option<AccountState>,
    ) -> Result<Audited<Secret>, Failure> {
        let (credential, user) = (account.credential, account.user.as_ref());
        let usable = match state {
            Some(state) if may_give_tokens(state.status).is_ok() => Ok(state.epoch),
            // That is up to a second old, and somebody may have consented since, at another server. What is final is said by
            // what the store holds now; while it is away, nobody can know, and that passes.
            Some(_) => self.usable(draw.link.row.workspace, credential).await.map(|account| account.epoch),
            None => Err(Failure::new(Code::TokenNotAvailable, "the link's account is gone")),
        };
        match usable {
            Ok(epoch) => {
                let drawn = self.draw_on(draw, kind, Account { credential, user, epoch: Some(epoch) }).await;
                match (drawn, user.zip(account.address.as_ref())) {
                    (Err(failure), Some(named)) if failure.code == Code::UserUnknown => {
                        let workspace = draw.link.row.workspace;
                        let look = Box::pin(self.address_has_moved(workspace, credential, named));
                        let within = draw.deadline.since(self.env.now());
                        let moved = self.env.clock.timeout(within, look).await.flatten();
                        Err(moved.unwrap_or(failure))
                    }
                    (drawn, _) => drawn,
                }
            }
            Err(failure) => {
                let wish = wish(draw, kind, credential, user);
                let refused = self.audit.audited(wish, async { Err(failure) }).await;
                self.alert(draw, kind, credential, &refused).await;
                refused
            }
        }
    }

    /// Takes a seat, and another one if the account of the first can't give a token.
    async fn draw_on_pool(
        self: &Arc<Self>,
        draw: &Draw<'_>,
        kind: TokenKind,
        pool: PoolId,
    ) -> Result<Audited<Secret>, Failure> {
        let (workspace, terms) = (draw.link.row.workspace, &draw.link.row.terms);
        let wish = SeatWish {
            pool,
            meeting: draw.asked.meeting,
            holder: draw.asked.bot.as_ref().map_or(draw.request_id, |bot| bot.as_str()),
            hosting: match kind {
                TokenKind::Zak if terms.hosting => Hosting::Always,
                TokenKind::Zak => Hosting::IfItsOwn,
                TokenKind::Obf | TokenKind::JoinToken | TokenKind::AccessToken => Hosting::Never,
            },
            until: self.env.now() + Duration::from_secs(terms.seat_seconds.into()),
        };
        let (mut without, mut first) = (Vec::new(), None);
        loop {
            let Seated { seat, credential, user } = match self.take_seat_but(workspace, &wish, &without).await
            {
                Ok(seated) => seated,
                // Nobody is left: what the first one said tells more.
                Err(failure) => return Err(first.unwrap_or(failure)),
            };
            let account = Account { credential, user: user.as_ref(), epoch: None };
            match self.draw_on(draw, kind, account).await {
                Err(failure) if failure.class() == Class::PersonMustAct => {
                    self.release_seat(workspace, seat).await?;
                    first = first.or(Some(failure));
                    without.push((credential, user));
                }
                // After a failure that passes, whoever asks comes again, to the same seat.
                done => return done,
            }
        }
    }

    /// The account of the meeting's host.
    pub(super) async fn host(&self, draw: &Draw<'_>) -> Result<LinkAccount, Failure> {
        let meeting = draw.asked.meeting.ok_or_else(|| {
            Failure::new(
                Code::RequestMalformed,
                "the link gives tokens of a meeting's host: name the meeting",
            )
        })?;
        let host = self.host_of(draw.link.row.workspace, meeting).await?;
        let host = host.ok_or_else(|| {
            Failure::new(Code::TokenNotAvailable, "no account here is known to host this meeting")
        })?;
        Ok(LinkAccount { credential: host.credential, user: host.user, address: None })
    }

    pub(super) async fn draw_on_host(
        self: &Arc<Self>,
        draw: &Draw<'_>,
        kind: TokenKind,
        host: &LinkAccount,
    ) -> Result<Audited<Secret>, Failure> {
        let account = Account { credential: host.credential, user: host.user.as_ref(), epoch: None };
        self.draw_on(draw, kind, account).await
    }

    /// A token of this account, with its record.
    async fn draw_on(
        self: &Arc<Self>,
        draw: &Draw<'_>,
        kind: TokenKind,
        account: Account<'_>,
    ) -> Result<Audited<Secret>, Failure> {
        let wish = wish(draw, kind, account.credential, account.user);
        let drawn = match self.zak_at_hand(draw, kind, account) {
            Some(zak) => self.audit.give(wish, zak, Source::Kept).await,
            // Boxed: what is asked of Zoom must not make every answer from memory larger.
            None => Box::pin(self.audit.audited(wish, self.fetch_in_time(draw, kind, account))).await,
        };
        if drawn.is_err() {
            Box::pin(self.alert(draw, kind, account.credential, &drawn)).await;
        }
        drawn
    }

    fn zak_at_hand(&self, draw: &Draw<'_>, kind: TokenKind, account: Account<'_>) -> Option<Secret> {
        let epoch = account.epoch.filter(|_| kind == TokenKind::Zak)?;
        let workspace = draw.link.row.workspace;
        self.kept_zak(workspace, account.credential, epoch, wanted_zak(draw, account), draw.now)
            .map(|zak| zak.token)
    }

    async fn fetch_in_time(
        self: &Arc<Self>,
        draw: &Draw<'_>,
        kind: TokenKind,
        account: Account<'_>,
    ) -> Result<(Secret, Source), Failure> {
        // The work goes on: whoever comes again finds what it brought.
        let within = draw.deadline.since(self.env.now());
        let fetched = self.env.clock.timeout(within, self.fetch(draw, kind, account)).await;
        fetched.unwrap_or_else(|| Err(late()))
    }

    async fn fetch(
        self: &Arc<Self>,
        draw: &Draw<'_>,
        kind: TokenKind,
        account: Account<'_>,
    ) -> Result<(Secret, Source), Failure> {
        let (workspace, Account { credential, user, epoch }) = (draw.link.row.workspace, account);
        match kind {
            TokenKind::Zak => {
                let epoch = match epoch {
                    Some(epoch) => epoch,
                    None => self.usable(workspace, credential).await?.epoch,
                };
                let wanted = wanted_zak(draw, account);
                let (zak, source) = self.fetch_zak_in(workspace, credential, epoch, wanted).await?;
                Ok((zak.token, source))
            }
            TokenKind::Obf => {
                let wanted = WantedObf { user, meeting: draw.asked.meeting, join_at: self.env.now() };
                self.fetch_obf(workspace, credential, wanted).await
            }
            TokenKind::JoinToken => {
                self.fetch_join_token(workspace, credential, user, draw.asked.meeting).await
            }
            TokenKind::AccessToken => {
                let access = self.live_access(workspace, credential, ACCESS_OUTLIVES, None).await?;
                Ok((access.token, access.source))
            }
        }
    }

    /// A platform that is refused may send its bot in all the same, as nobody. So the account's log tells its owner, once in
    /// a while.
    async fn alert<T>(
        &self,
        draw: &Draw<'_>,
        kind: TokenKind,
        credential: CredentialId,
        drawn: &Result<T, Failure>,
    ) {
        let Err(failure) = drawn else { return };
        // Whoever disconnected it knows; the log has that line already.
        if failure.code == Code::CredentialDisconnected {
            return;
        }
        let now = self.env.now();
        let key = (credential, failure.code);
        if self.alerts.get(&key).is_some_and(|last| last.was_within(ALERT_EVERY, now)) {
            return;
        }
        self.alerts.put(key, now, |last| last.was_within(ALERT_EVERY, now));
        let message = format!("token link {} was refused its {}: {failure}", draw.link.row.id, kind.as_str());
        let subject = store::Subject::Credential(credential);
        let note = self.failure_note(&message, failure.code);
        if let Err(error) = self.store.add_log_line(draw.link.row.workspace, subject, &note).await {
            tracing::warn!(%credential, %error, "the account's log doesn't tell of a refusal");
        }
    }
}

fn wanted_zak<'a>(draw: &Draw<'a>, account: Account<'a>) -> WantedZak<'a> {
    WantedZak {
        user: account.user,
        outlives: Duration::from_secs(draw.link.row.terms.zak_outlives_seconds.into()),
        fresh: draw.asked.fresh,
    }
}

fn wish(
    draw: &Draw<'_>,
    kind: TokenKind,
    credential: CredentialId,
    user: Option<&AccountUser>,
) -> TokenAccess {
    let asker = Asker { who: Who::TokenLink(draw.link.row.id), from: draw.from, why: Purpose::TokenLink };
    let about = About { user: user.cloned(), meeting: draw.asked.meeting, bot: draw.asked.bot.clone() };
    TokenAccess { workspace: draw.link.row.workspace, credential, kind, asker, about }
}

fn late() -> Failure {
    let late = Failure::new(Code::Deadline, "it takes longer than a platform waits");
    Failure { retry_after: Some(Duration::from_secs(1)), ..late }
}
