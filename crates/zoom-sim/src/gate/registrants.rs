//! Registrants of a meeting or webinar, and the panelists of a webinar.

use serde::Serialize;

/// Most registrants of a meeting (ours).
pub(crate) const MAX_REGISTRANTS: usize = 10_000;

/// A registered person. Their link carries `tk` (D).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Registrant {
    pub(crate) email: String,
    pub(crate) name: String,
    /// Whether the registrant is a panelist of the webinar.
    pub(crate) panelist: bool,
    pub(crate) tk: String,
}

/// The registrants of one meeting.
#[derive(Debug, Default)]
pub(crate) struct Registrants {
    list: Vec<Registrant>,
}

impl Registrants {
    pub(crate) fn list(&self) -> &[Registrant] {
        &self.list
    }

    /// Adds a registrant; one with the same e-mail address is replaced, including the `tk` (I).
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
