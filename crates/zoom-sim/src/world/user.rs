//! Users and their plans.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, UserId};

/// The plan of the user's account, in ascending order. It limits how many meetings run at once (D).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    Basic,
    #[default]
    Pro,
    Business,
    Education,
    Enterprise,
}

impl Plan {
    /// Meetings one user may host at the same time (D).
    pub(crate) fn meetings_at_once(self) -> usize {
        match self {
            Self::Basic | Self::Pro => 1,
            Self::Business | Self::Education | Self::Enterprise => 2,
        }
    }

    /// The `type` of REST: 1 basic, 2 licensed (D).
    pub(crate) fn user_type(self) -> u8 {
        if self == Self::Basic { 1 } else { 2 }
    }
}

/// A Zoom user.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) account_id: AccountId,
    pub(crate) email: String,
    pub(crate) display_name: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) plan: Plan,
    /// Personal meeting id.
    pub(crate) pmi: u64,
    /// The name in the personal link, `zoom.us/my/NAME`; empty: the user has none.
    pub(crate) personal_name: String,
    /// Deactivated users have no valid token of any kind (I; ours: all become invalid at once).
    pub(crate) active: bool,
    /// The user signed in through the account's single sign-on: satisfies rule 6024.
    pub(crate) sso: bool,
    /// Created over REST with `custCreate`: without a password, and with longer-lived ZAKs (D).
    pub(crate) api_created: bool,
    /// The host's setting "Local recording": if off, no join tokens for local recording are issued (D).
    pub(crate) local_recording: bool,
    /// Number of sign-outs from all devices. A ZAK minted before the latest one is invalid (ours; that it is invalid is D).
    pub(crate) sign_outs: u64,
    pub(crate) created_at: Timestamp,
}

impl User {
    /// A user with defaults for all other fields.
    pub(crate) fn new(id: UserId, account_id: AccountId, pmi: u64, created_at: Timestamp) -> Self {
        Self {
            id,
            account_id,
            email: String::new(),
            display_name: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            plan: Plan::default(),
            pmi,
            personal_name: String::new(),
            active: true,
            sso: false,
            api_created: false,
            local_recording: true,
            sign_outs: 0,
            created_at,
        }
    }

    /// Absolute URL of the picture under a Zoom host; browsers reach it through their host rules.
    pub(crate) fn avatar_url(&self) -> String {
        format!("https://zoom.us/p/{}.svg", self.id)
    }

    /// Derives missing names from the given ones, or else from the e-mail address.
    pub(crate) fn fill_names(&mut self) {
        if self.display_name.is_empty() {
            let words = [&*self.first_name, &*self.last_name].into_iter().filter(|word| !word.is_empty());
            self.display_name = words.collect::<Vec<_>>().join(" ");
        }
        if self.display_name.is_empty() {
            self.display_name = self.email.split('@').next().unwrap_or_default().to_owned();
        }
        let (first, last) = self.display_name.split_once(' ').unwrap_or((&self.display_name, ""));
        if self.first_name.is_empty() && self.last_name.is_empty() {
            (self.first_name, self.last_name) = (first.to_owned(), last.to_owned());
        }
    }

    /// Whether a REST path refers to this user, by id or e-mail address (D).
    pub(crate) fn is_called(&self, who: &str) -> bool {
        self.id.0 == who || self.email.eq_ignore_ascii_case(who)
    }

    /// The domain of the e-mail address, in lower case.
    pub(crate) fn email_domain(&self) -> String {
        self.email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase()).unwrap_or_default()
    }
}
