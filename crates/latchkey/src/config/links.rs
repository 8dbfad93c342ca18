//! `[links]`: token links.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use token_links::{MAX_OF_A_WORKSPACE, REMEMBERED_IDS};

/// `[links]`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Links {
    /// Most ids of signed requests that are remembered within ten minutes. Requests beyond that are refused.
    pub(crate) remembered_ids: usize,
    /// Most concurrent fetches of a workspace.
    pub(crate) most_of_a_workspace: NonZeroUsize,
}

impl Default for Links {
    fn default() -> Self {
        let most_of_a_workspace = NonZeroUsize::new(MAX_OF_A_WORKSPACE).expect("not zero");
        Self { remembered_ids: REMEMBERED_IDS, most_of_a_workspace }
    }
}
