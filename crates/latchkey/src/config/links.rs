//! `[links]`: links that give tokens.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use token_links::{MOST_OF_A_WORKSPACE, REMEMBERED_IDS};

/// `[links]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Links {
    /// Signed requests in ten minutes whose ids are remembered. Those beyond are turned away.
    pub(crate) remembered_ids: usize,
    /// Fetches of a workspace that are answered at once.
    pub(crate) most_of_a_workspace: NonZeroUsize,
}

impl Default for Links {
    fn default() -> Self {
        let most_of_a_workspace = NonZeroUsize::new(MOST_OF_A_WORKSPACE).expect("not zero");
        Self { remembered_ids: REMEMBERED_IDS, most_of_a_workspace }
    }
}
