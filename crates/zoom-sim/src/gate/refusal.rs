//! Why a join is refused, and how each step of the join reports it.
//!
//! The SDK knows some refusals from step 1 (`errorCode` and, for code 200, the exact English text) and others from the
//! socket (`res` of 4098). For a refusal that has no code in step 1, step 1 succeeds and the socket refuses. The codes are
//! O; which step Zoom uses for each is I.

/// The word of [`Refusal::Fixed`] in logs and the control API.
pub(super) const FIXED: &str = "fixed";

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// SDK 3712.
    SignatureInvalid,
    /// SDK 3705.
    SignatureExpired,
    /// Unknown, disabled, or without the Meeting SDK: SDK 3704.
    AppKeyWrong,
    /// Not 9 to 11 digits: SDK 3706.
    NumberWrong,
    /// SDK 3707.
    MeetingNotFound,
    /// The host has as many meetings running as the plan allows: SDK 3000.
    HostBusy,
    /// SDK 4004.
    Ended,
    /// SDK 4006.
    Locked,
    /// SDK 4005.
    Full,
    /// Removed by the host earlier: SDK 3009.
    RemovedBefore,
    /// An unpublished app in an external meeting: SDK 4011.
    UnpublishedApp,
    /// An external app without ZAK or OBF: SDK 4012.
    AnonymousApp,
    /// The same, with a join token, which does not identify a user: SDK 4013 (I).
    ObfMissing,
    /// A forged, expired or invalidated ZAK: "Token error".
    TokenInvalid,
    /// SDK 4014.
    ObfInvalid,
    /// SDK 4015.
    ObfForOtherMeeting,
    /// A join token that is forged, expired, used or of another meeting: SDK 4016.
    JoinTokenInvalid,
    /// SDK 4017.
    AuthoriserAbsent,
    /// Role 1 without the ZAK of the host or an alternative host: SDK 3713.
    NotTheHost,
    /// The meeting requires any Zoom account: SDK 3051.
    SignInRequired,
    /// The meeting requires an account of the host's organisation, or of certain domains: SDK 3052.
    SignInRestricted,
    /// The meeting requires single sign-on of the host's account: SDK 6024.
    SsoRequired,
    /// SDK 3004.
    PasscodeWrong,
    /// Reported by step 1: the page must join again. SDK 3008.
    NotStarted,
    /// Reported by the socket: the SDK's own widget polls. SDK 3008.
    NotStartedAtSocket,
    /// No `tk`, or an unknown one: SDK 3099 (O; that meetings use the same code as webinars is I).
    RegistrationRequired,
    /// The same for a webinar. The SDK reports it in the same words; the URL of the page differs (I).
    WebinarRegistrationRequired,
    /// A webinar attendee without an e-mail address: SDK 3005.
    EmailRequired,
    /// A webinar attendee with the host's address: SDK 3627 (O the code, I when).
    HostEmail,
    /// A panelist's address without a panelist's `tk`: 3135, which the SDK shows as 200 (I the words).
    PanelistNeedsTk,
    /// A panelist's address with an attendee's `tk`: 3032, which the SDK shows as 200 (I the words).
    RegisteredAsPanelist,
    /// SDK 200, with the URL of a page.
    CaptchaRequired,
    /// SDK 200.
    FrequentJoin,
    /// SDK 200.
    BotBlocked,
    /// The same user is already in the meeting: SDK 4008.
    AlreadyPresent,
    /// A socket without a valid join ticket from step 1, or with an expired one (ours): SDK 3621.
    Unannounced,
    /// The code that the meeting's settings fix ([`super::settings::FixedRefusal`]).
    Fixed(u32),
}

/// A refusal in step 1's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InfoError {
    pub(crate) code: u32,
    pub(crate) message: &'static str,
}

impl Refusal {
    /// Step 1's answer; `None` leaves the refusal to the socket.
    pub(crate) fn at_info(self) -> Option<InfoError> {
        let (code, message) = match self {
            Self::SignatureInvalid => (200, "Invalid signature."),
            Self::SignatureExpired => (200, "The signature has expired."),
            Self::AppKeyWrong => (200, "The api key is wrong."),
            Self::NumberWrong => (200, "The meeting number is wrong."),
            Self::MeetingNotFound => (200, "The meeting number is not found."),
            Self::NotTheHost => (200, "No permission"),
            Self::HostBusy => (
                3000,
                "You have a meeting that is currently in-progress, please end it to start a new meeting",
            ),
            Self::TokenInvalid => (3136, "Token error"),
            Self::SignInRequired => (3051, "https://zoom.us/signin"),
            Self::SignInRestricted => (3052, "https://zoom.us/signin"),
            Self::SsoRequired => (6024, "https://zoom.us/sso"),
            Self::PasscodeWrong => (3004, "Meeting Passcode wrong."),
            Self::NotStarted => (3008, "Meeting has not started"),
            Self::RegistrationRequired => (3099, "https://zoom.us/meeting/register"),
            Self::WebinarRegistrationRequired => (3099, "https://zoom.us/webinar/register"),
            Self::EmailRequired => (3000, "User email is required."),
            Self::PanelistNeedsTk => (3135, "require tk parameter to join as a panelist"),
            Self::RegisteredAsPanelist => (3032, "Denied register use panelist email."),
            Self::CaptchaRequired => (3110, "https://zoom.us/captcha"),
            Self::FrequentJoin => (3634, "You be limit by zoom, need to check recaptcha."),
            Self::Ended
            | Self::Locked
            | Self::Full
            | Self::RemovedBefore
            | Self::UnpublishedApp
            | Self::AnonymousApp
            | Self::ObfInvalid
            | Self::ObfMissing
            | Self::ObfForOtherMeeting
            | Self::JoinTokenInvalid
            | Self::AuthoriserAbsent
            | Self::NotStartedAtSocket
            | Self::AlreadyPresent
            | Self::BotBlocked
            | Self::HostEmail
            | Self::Fixed(_)
            | Self::Unannounced => return None,
        };
        Some(InfoError { code, message })
    }

    /// `res` of 4098. Codes that only step 1 has are repeated here (ours); the SDK then reports 200.
    pub(crate) fn at_socket(self) -> u32 {
        match self {
            Self::Fixed(code) => code,
            Self::Ended => 6,
            Self::Full => 9,
            Self::Locked => 12,
            Self::PasscodeWrong => 3004,
            Self::HostBusy => 3005,
            Self::NotStarted | Self::NotStartedAtSocket => 3008,
            Self::UnpublishedApp => 6601,
            Self::AnonymousApp => 13_296,
            Self::ObfMissing => 13_295,
            Self::JoinTokenInvalid => 3145,
            Self::ObfInvalid => 13_299,
            Self::ObfForOtherMeeting => 13_300,
            Self::RemovedBefore => 103_039,
            Self::AuthoriserAbsent => 103_041,
            Self::AlreadyPresent => 103_044,
            Self::Unannounced => 1005,
            Self::BotBlocked => 13_301,
            Self::RegistrationRequired | Self::WebinarRegistrationRequired => 3099,
            Self::EmailRequired => 3000,
            Self::HostEmail => 3027,
            Self::PanelistNeedsTk => 3135,
            Self::RegisteredAsPanelist => 3032,
            Self::CaptchaRequired => 3110,
            Self::FrequentJoin => 3634,
            Self::SignatureInvalid
            | Self::SignatureExpired
            | Self::AppKeyWrong
            | Self::NumberWrong
            | Self::MeetingNotFound
            | Self::NotTheHost => 200,
            Self::TokenInvalid => 3136,
            Self::SignInRequired => 3051,
            Self::SignInRestricted => 3052,
            Self::SsoRequired => 6024,
        }
    }

    /// The refusal's word in logs and the control API (ours).
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::SignatureInvalid => "signature_invalid",
            Self::SignatureExpired => "signature_expired",
            Self::AppKeyWrong => "app_key_wrong",
            Self::NumberWrong => "number_wrong",
            Self::MeetingNotFound => "meeting_not_found",
            Self::HostBusy => "host_busy",
            Self::Ended => "ended",
            Self::Locked => "locked",
            Self::Full => "full",
            Self::RemovedBefore => "removed_before",
            Self::UnpublishedApp => "unpublished_app",
            Self::AnonymousApp => "anonymous_app",
            Self::TokenInvalid => "token_invalid",
            Self::ObfMissing => "obf_missing",
            Self::JoinTokenInvalid => "join_token_invalid",
            Self::ObfInvalid => "obf_invalid",
            Self::ObfForOtherMeeting => "obf_for_other_meeting",
            Self::AuthoriserAbsent => "authoriser_absent",
            Self::NotTheHost => "not_the_host",
            Self::SignInRequired => "sign_in_required",
            Self::SignInRestricted => "sign_in_restricted",
            Self::SsoRequired => "sso_required",
            Self::PasscodeWrong => "passcode_wrong",
            Self::NotStarted | Self::NotStartedAtSocket => "not_started",
            Self::AlreadyPresent => "already_present",
            Self::Unannounced => "unannounced",
            Self::RegistrationRequired | Self::WebinarRegistrationRequired => "registration_required",
            Self::EmailRequired => "email_required",
            Self::HostEmail => "host_email",
            Self::PanelistNeedsTk => "panelist_needs_tk",
            Self::RegisteredAsPanelist => "registered_as_panelist",
            Self::CaptchaRequired => "captcha_required",
            Self::FrequentJoin => "frequent_join",
            Self::BotBlocked => "bot_blocked",
            Self::Fixed(_) => FIXED,
        }
    }
}
