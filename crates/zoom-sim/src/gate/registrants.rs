//! Who has registered for a meeting or webinar, and who is on a webinar's panel.

use serde::Serialize;

/// So many a meeting takes (ours).
pub(crate) const MAX_REGISTRANTS: usize = 10_000;

/// A participant who has registered. `tk` comes with the link that they are sent (D).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Registrant {
    pub(crate) email: String,
    pub(crate) name: String,
    /// On the panel of a webinar.
    pub(crate) panelist: bool,
    pub(crate) tk: String,
}

/// Those of one meeting.
#[derive(Debug, Default)]
pub(crate) struct Registrants {
    list: Vec<Registrant>,
}

impl Registrants {
    pub(crate) fn list(&self) -> &[Registrant] {
        &self.list
    }

    /// Adds one; a participant with the same address is replaced, and their `tk` with them (I).
    pub(crate) fn add(&mut self, registrant: Registrant) {
        self.list.retain(|known| !known.email.eq_ignore_ascii_case(&registrant.email));
        self.list.push(registrant);
    }

    pub(super) fn by_tk(&self, tk: &str) -> Option<&Registrant> {
        self.list.iter().find(|registrant| registrant.tk == tk)
    }

    pub(super) fn is_panelist(&self, email: &str) -> bool {
        let panelists = self.list.iter().filter(|registrant| registrant.panelist);
        !email.is_empty()
            && panelists.into_iter().any(|registrant| registrant.email.eq_ignore_ascii_case(email))
    }
}
