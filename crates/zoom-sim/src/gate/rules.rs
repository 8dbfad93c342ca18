//! Admission rules of the gate: one function each, applied in a configurable order.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::meeting::{Meeting, Phase};
use super::refusal::Refusal;
use super::settings::{BotCheck, NotStarted, Settings, SignIn};
use super::signature::{self, Claims};
use crate::ids::MeetingNumber;
use crate::join_token::{self, Permit};
use crate::obf::{self, Authorisation};
use crate::world::World;
use crate::world::app::App;
use crate::world::switches::DuplicateIdentity;
use crate::world::user::User;
use crate::zak;

/// One admission rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rule {
    /// The SDK app's signature is genuine, in time, and for this meeting.
    Signature,
    /// The meeting number exists.
    MeetingExists,
    /// If this join would start the meeting, the host's plan allows one more running meeting.
    HostBusy,
    /// The meeting is not ended, locked or full, and the joiner was not removed before.
    MeetingOpen,
    /// An unpublished app joins only meetings of its own account, if the meeting requires this.
    UnpublishedApp,
    /// An external app sends a ZAK or OBF token, if the meeting requires this.
    AnonymousApp,
    /// Every token that was sent is valid.
    Token,
    /// Role 1 is only for the host.
    Host,
    /// The joiner is signed in as the meeting requires.
    SignIn,
    /// The passcode is right.
    Passcode,
    /// The user who vouches for the bot is present in the meeting.
    Authoriser,
    /// The meeting runs, or may be joined before its host.
    Started,
    /// The same user is not present already.
    Duplicate,
    /// Zoom does not take the joiner for a robot.
    BotCheck,
    /// The joiner has registered, if the meeting requires it; a webinar's attendee gives an e-mail address.
    Registration,
}

impl Rule {
    /// All rules, in the default order (ours; Zoom's is unknown).
    pub(crate) const ALL: [Self; 15] = [
        Self::Signature,
        Self::BotCheck,
        Self::MeetingExists,
        Self::HostBusy,
        Self::MeetingOpen,
        Self::UnpublishedApp,
        Self::AnonymousApp,
        Self::Token,
        Self::Host,
        Self::SignIn,
        Self::Registration,
        Self::Passcode,
        Self::Authoriser,
        Self::Started,
        Self::Duplicate,
    ];
}

/// A join attempt, as known at step 1 or at the socket.
#[derive(Clone, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) number: &'a MeetingNumber,
    pub(crate) signature: &'a str,
    pub(crate) passcode: &'a str,
    /// `ztk` or `zsk` of step 1, `zak` of 4301.
    pub(crate) zak: Option<&'a str>,
    /// Only 4301 carries it.
    pub(crate) obf: Option<&'a str>,
    /// Only 4301 carries it.
    pub(crate) join_token: Option<&'a str>,
    /// `userEmail` of step 1.
    pub(crate) email: &'a str,
    /// A registrant's token: `tk` of both steps.
    pub(crate) tk: Option<&'a str>,
    /// The `zoomID` of an earlier stay, on a rejoin.
    pub(crate) rejoins: Option<&'a str>,
}

/// The result of an admitted attempt.
#[derive(Debug)]
pub(crate) struct Seat {
    /// The user whose ZAK was presented.
    pub(crate) user: Option<User>,
    pub(crate) host: bool,
    /// Whether the participant first enters the waiting room.
    pub(crate) on_hold: bool,
    /// The user's authorisation of a bot without a ZAK.
    pub(crate) authorisation: Option<Authorisation>,
    /// The host's permission from a join token.
    pub(crate) permit: Option<Permit>,
}

/// Everything the rules need, looked up once.
struct Case<'a> {
    world: &'a World,
    attempt: &'a Attempt<'a>,
    now: Timestamp,
    claims: Option<Claims>,
    app: Option<&'a App>,
    meeting: Option<&'a Meeting>,
    holder: Option<&'a User>,
    authorisation: Option<Authorisation>,
    permit: Option<Permit>,
}

/// Applies the rules in their order: the first that objects decides.
pub(crate) fn judge(world: &World, attempt: &Attempt<'_>, now: Timestamp) -> Result<Seat, Refusal> {
    let claims = signature::peek(attempt.signature);
    let case = Case {
        world,
        attempt,
        now,
        app: claims.as_ref().and_then(|claims| world.app(&claims.app_key)),
        claims,
        meeting: world.meetings.get(attempt.number),
        holder: attempt.zak.and_then(|zak| zak::holder(world, zak, now)),
        authorisation: attempt.obf.and_then(|token| obf::read(world, token, attempt.rejoins, now)),
        permit: attempt
            .join_token
            .and_then(|token| join_token::read(world, token, attempt.number, attempt.rejoins, now)),
    };
    for rule in &world.switches.rule_order {
        case.ask(*rule)?;
    }
    let meeting = case.meeting.ok_or(Refusal::MeetingNotFound)?;
    let host = case.is_host();
    let known = attempt.rejoins.is_some_and(|zoom_id| meeting.admitted.contains(zoom_id));
    let identified = case.holder.is_some() || case.authorisation.is_some();
    let bypasses = identified && case.permit.as_ref().is_some_and(|permit| permit.bypass_waiting_room);
    Ok(Seat {
        user: case.holder.cloned(),
        host,
        on_hold: meeting.settings.waiting_room && !host && !known && !bypasses,
        authorisation: case.authorisation,
        permit: case.permit,
    })
}

impl Case<'_> {
    fn ask(&self, rule: Rule) -> Result<(), Refusal> {
        let attempt = self.attempt;
        match (rule, self.meeting) {
            (Rule::Signature, _) => {
                signature::verify(self.world, attempt.signature, attempt.number, self.now)
            }
            (Rule::Token, _) => self.token(),
            (Rule::MeetingExists, None) => self.missing(),
            (Rule::MeetingExists, Some(_)) | (_, None) => Ok(()),
            (Rule::HostBusy, Some(meeting)) => self.host_busy(meeting),
            (Rule::MeetingOpen, Some(meeting)) => self.open(meeting),
            (Rule::UnpublishedApp, Some(meeting)) => self.published(meeting),
            (Rule::AnonymousApp, Some(meeting)) => self.identified(meeting),
            (Rule::Host, Some(_)) => objection(self.wants_to_host() && !self.is_host(), Refusal::NotTheHost),
            (Rule::SignIn, Some(meeting)) => self.signed_in(meeting),
            (Rule::Passcode, Some(meeting)) => {
                let wrong = attempt.passcode != meeting.settings.passcode && !self.is_host();
                objection(wrong, Refusal::PasscodeWrong)
            }
            (Rule::BotCheck, Some(meeting)) => match meeting.settings.bot_check {
                BotCheck::None => Ok(()),
                BotCheck::Captcha => Err(Refusal::CaptchaRequired),
                BotCheck::FrequentJoin => Err(Refusal::FrequentJoin),
                BotCheck::Blocked => Err(Refusal::BotBlocked),
            },
            (Rule::Registration, Some(meeting)) => self.registered(meeting),
            (Rule::Authoriser, Some(meeting)) => self.authoriser(meeting),
            (Rule::Started, Some(meeting)) => self.started(meeting),
            (Rule::Duplicate, Some(meeting)) => self.duplicate(meeting),
        }
    }

    fn wants_to_host(&self) -> bool {
        self.claims.as_ref().is_some_and(Claims::wants_to_host)
    }

    /// Role 1 with the ZAK of the host or an alternative host (D).
    fn is_host(&self) -> bool {
        let Some((meeting, holder)) = self.meeting.zip(self.holder) else { return false };
        let may = meeting.host_id == holder.id || meeting.settings.alternative_hosts.contains(&holder.id);
        self.wants_to_host() && may
    }

    fn is_external(&self, meeting: &Meeting) -> bool {
        self.app.is_none_or(|app| app.account_id != meeting.account_id)
    }

    fn missing(&self) -> Result<(), Refusal> {
        let plausible = self.attempt.number.is_plausible();
        Err(if plausible { Refusal::MeetingNotFound } else { Refusal::NumberWrong })
    }

    /// Basic and Pro host one meeting at a time, Business and above two (D KB0068522).
    fn host_busy(&self, meeting: &Meeting) -> Result<(), Refusal> {
        let starts = !meeting.is_running() && (self.wants_to_host() || meeting.settings.join_before_host);
        let running = self.world.meetings.values();
        let running = running.filter(|other| other.host_id == meeting.host_id && other.is_running()).count();
        let limit = self.world.user(&meeting.host_id).map_or(1, |host| host.plan.meetings_at_once());
        objection(starts && running >= limit, Refusal::HostBusy)
    }

    /// A host may reopen an ended meeting and enter a locked one (I).
    fn open(&self, meeting: &Meeting) -> Result<(), Refusal> {
        let host = self.is_host();
        let removed = self.holder.is_some_and(|holder| meeting.removed.contains(&holder.id));
        objection(meeting.phase == Phase::Ended && !host, Refusal::Ended)?;
        objection(removed && !meeting.settings.rejoin_after_removal, Refusal::RemovedBefore)?;
        objection(meeting.settings.locked && !host, Refusal::Locked)?;
        objection(meeting.participants.len() >= meeting.settings.capacity, Refusal::Full)
    }

    fn published(&self, meeting: &Meeting) -> Result<(), Refusal> {
        let unpublished = self.app.is_none_or(|app| !app.published);
        objection(
            meeting.settings.external_rules && self.is_external(meeting) && unpublished,
            Refusal::UnpublishedApp,
        )
    }

    fn identified(&self, meeting: &Meeting) -> Result<(), Refusal> {
        let anonymous = self.attempt.zak.is_none() && self.attempt.obf.is_none();
        let refusal =
            if self.attempt.join_token.is_some() { Refusal::ObfMissing } else { Refusal::AnonymousApp };
        objection(meeting.settings.external_rules && self.is_external(meeting) && anonymous, refusal)
    }

    fn token(&self) -> Result<(), Refusal> {
        objection(self.attempt.zak.is_some() && self.holder.is_none(), Refusal::TokenInvalid)?;
        objection(self.attempt.obf.is_some() && self.authorisation.is_none(), Refusal::ObfInvalid)?;
        let elsewhere = self.authorisation.as_ref().and_then(|token| token.meeting.as_ref());
        objection(
            elsewhere.is_some_and(|number| number != self.attempt.number),
            Refusal::ObfForOtherMeeting,
        )?;
        objection(self.attempt.join_token.is_some() && self.permit.is_none(), Refusal::JoinTokenInvalid)
    }

    fn signed_in(&self, meeting: &Meeting) -> Result<(), Refusal> {
        if self.is_host() {
            return Ok(());
        }
        let holder = self.holder;
        let same_account = holder.is_some_and(|user| user.account_id == meeting.account_id);
        match meeting.settings.sign_in {
            SignIn::None => Ok(()),
            SignIn::Any => objection(holder.is_none(), Refusal::SignInRequired),
            SignIn::Account => objection(!same_account, Refusal::SignInRestricted),
            SignIn::Domain => {
                let domain = holder.map(User::email_domain);
                let listed = domain.is_some_and(|domain| {
                    meeting.settings.domains.iter().any(|listed| listed.eq_ignore_ascii_case(&domain))
                });
                objection(!listed, Refusal::SignInRestricted)
            }
            SignIn::Sso => {
                let sso = same_account && holder.is_some_and(|user| user.sso);
                objection(!sso, Refusal::SsoRequired)
            }
        }
    }

    /// The host and alternative hosts need not register (D), nor does a user who is signed in as a panelist (I).
    fn registered(&self, meeting: &Meeting) -> Result<(), Refusal> {
        let Settings { registration, webinar, .. } = meeting.settings;
        if self.is_host() {
            return Ok(());
        }
        let email = self.holder.map_or(self.attempt.email, |holder| &holder.email);
        let registrant = self.attempt.tk.and_then(|tk| meeting.registrants.by_tk(tk));
        if webinar && self.holder.is_none() && meeting.registrants.is_panelist(email) {
            return match registrant {
                None => Err(Refusal::PanelistNeedsTk),
                Some(registrant) => objection(!registrant.panelist, Refusal::RegisteredAsPanelist),
            };
        }
        let unregistered =
            if webinar { Refusal::WebinarRegistrationRequired } else { Refusal::RegistrationRequired };
        objection(self.attempt.tk.is_some() && registrant.is_none(), unregistered)?;
        objection(webinar && email.is_empty(), Refusal::EmailRequired)?;
        let host = self.world.user(&meeting.host_id);
        let is_hosts = host.is_some_and(|host| host.email.eq_ignore_ascii_case(email));
        objection(webinar && self.holder.is_none() && is_hosts, Refusal::HostEmail)?;
        let known = registrant.is_some() || meeting.registrants.is_panelist(email);
        objection(registration && !known, unregistered)
    }

    /// The waiting room does not count as present (ours).
    fn authoriser(&self, meeting: &Meeting) -> Result<(), Refusal> {
        let Some(authorisation) = &self.authorisation else { return Ok(()) };
        objection(!meeting.is_present(&authorisation.user_id), Refusal::AuthoriserAbsent)
    }

    fn started(&self, meeting: &Meeting) -> Result<(), Refusal> {
        let open = meeting.is_running() || meeting.settings.join_before_host || self.is_host();
        objection(
            !open,
            match meeting.settings.not_started {
                NotStarted::Info => Refusal::NotStarted,
                NotStarted::Socket => Refusal::NotStartedAtSocket,
            },
        )
    }

    fn duplicate(&self, meeting: &Meeting) -> Result<(), Refusal> {
        let refuses = self.world.switches.duplicate_identity == DuplicateIdentity::Refuse;
        let there = self.holder.is_some_and(|holder| meeting.has_user(&holder.id, self.attempt.rejoins));
        objection(refuses && there, Refusal::AlreadyPresent)
    }
}

fn objection(objects: bool, refusal: Refusal) -> Result<(), Refusal> {
    if objects { Err(refusal) } else { Ok(()) }
}
