//! Attendee's answer: an object of tokens, asked for once while a bot is set up.

use std::sync::Arc;

use audit::Audited;
use futures_util::future::join_all;
use model::{Code, Failure, Secret, TokenKind};
use store::{LinkAccount, LinkSource};

use super::{asked::Asked, draw::Draw, live::LiveLink};
use crate::Broker;

/// What Attendee is given. It joins with a ZAK or on behalf of somebody; both would be refused by Zoom's SDK.
#[derive(Debug, Default)]
pub struct AttendeeAnswer {
    /// `zak_token`.
    pub zak: Option<Audited<Secret>>,
    /// `onbehalf_token`: one for each who may vouch; Attendee tries one after another.
    pub obf: Vec<Audited<Secret>>,
    /// `app_privilege_token`: a join token, under the name that Attendee's own tokens have.
    pub join_token: Option<Audited<Secret>>,
}

impl AttendeeAnswer {
    fn is_empty(&self) -> bool {
        self.zak.is_none() && self.obf.is_empty() && self.join_token.is_none()
    }
}

impl Broker {
    /// Every token that the link gives for this meeting. Without the one that identifies the bot there is no answer: Attendee
    /// would send it in as nobody.
    pub(super) async fn draw_for_attendee(
        self: &Arc<Self>,
        draw: &Draw<'_>,
    ) -> Result<AttendeeAnswer, Failure> {
        let gives = |kind| draw.link.row.terms.kinds.contains(&kind);
        let identity = match (gives(TokenKind::Zak), gives(TokenKind::Obf)) {
            (true, true) => Some(self.identity_for(draw.link, draw.asked).await?),
            (true, false) => Some(TokenKind::Zak),
            (false, true) => Some(TokenKind::Obf),
            (false, false) => None,
        };
        let identities = async {
            match identity {
                Some(TokenKind::Obf) => self.vouchers(draw).await,
                Some(kind) => self.draw(draw, kind).await.map(|token| vec![token]),
                None => Ok(Vec::new()),
            }
        };
        let recording = async {
            if gives(TokenKind::JoinToken) { self.join_token_of_host(draw).await } else { Ok(None) }
        };
        let (identities, join_token) = tokio::join!(identities, recording);
        let mut answer = AttendeeAnswer { join_token: join_token?, ..AttendeeAnswer::default() };
        match (identity, identities) {
            (Some(TokenKind::Obf), Ok(tokens)) => answer.obf = tokens,
            (_, Ok(tokens)) => answer.zak = tokens.into_iter().next(),
            (_, Err(failure)) if failure.code == Code::TokenNotAvailable && !answer.is_empty() => {}
            (_, Err(failure)) if draw.link.row.terms.optional && failure.code == Code::TokenNotAvailable => {}
            (_, Err(failure)) => return Err(failure),
        }
        if answer.is_empty() && !draw.link.row.terms.optional {
            return Err(Failure::new(Code::TokenNotAvailable, "there is no token for this meeting"));
        }
        Ok(answer)
    }

    /// A meeting of one's own takes a ZAK; in other people's, Zoom wants somebody to vouch.
    async fn identity_for(&self, link: &LiveLink, asked: &Asked) -> Result<TokenKind, Failure> {
        let host = match asked.meeting {
            Some(meeting) => self.host_of(link.row.workspace, meeting).await?,
            None => None,
        };
        Ok(if host.is_some() { TokenKind::Zak } else { TokenKind::Obf })
    }

    /// An OBF token of every account that the link names, at once. Some may fail, not all.
    async fn vouchers(self: &Arc<Self>, draw: &Draw<'_>) -> Result<Vec<Audited<Secret>>, Failure> {
        if !matches!(draw.link.row.terms.source, LinkSource::Accounts(_)) {
            return Ok(vec![self.draw(draw, TokenKind::Obf).await?]);
        }
        let each = draw
            .link
            .named()
            .map(|(account, state)| self.draw_on_named(draw, TokenKind::Obf, account, state));
        let (mut tokens, mut first) = (Vec::new(), None);
        for drawn in join_all(each).await {
            match drawn {
                Ok(token) => tokens.push(token),
                Err(failure) => first = first.or(Some(failure)),
            }
        }
        match first {
            Some(failure) if tokens.is_empty() => Err(failure),
            _ => Ok(tokens),
        }
    }

    /// A join token, if the host's account is here and may give one. Without it the bot asks the host.
    async fn join_token_of_host(
        self: &Arc<Self>,
        draw: &Draw<'_>,
    ) -> Result<Option<Audited<Secret>>, Failure> {
        let host: LinkAccount = match self.host(draw).await {
            Ok(host) => host,
            Err(failure) if failure.code == Code::Unavailable => return Err(failure),
            Err(_) => return Ok(None),
        };
        match self.draw_on_host(draw, TokenKind::JoinToken, &host).await {
            Ok(token) => Ok(Some(token)),
            Err(failure) => {
                tracing::info!(code = %failure.code, "a bot goes without a join token");
                Ok(None)
            }
        }
    }
}
