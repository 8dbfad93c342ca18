//! The cell that a ciphertext belongs to.

use std::fmt;

use model::WorkspaceId;

/// The cell of a secret. It is authenticated with the ciphertext, so a ciphertext that is copied to another cell can't be
/// opened.
#[derive(Debug, Clone, Copy)]
pub struct CellAddress<'a> {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The table's name.
    pub table: &'static str,
    /// The row's id, as text.
    pub row: &'a str,
    /// The column's name.
    pub column: &'static str,
}

impl CellAddress<'_> {
    /// The cell as authenticated bytes. Each part is prefixed with its length, so no two cells have the same encoding.
    pub(crate) fn authenticated(&self, version: u8, key_id: &str) -> Vec<u8> {
        let workspace = self.workspace.to_string();
        let mut bytes = vec![version];
        for part in [key_id, &workspace, self.table, self.row, self.column] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

impl fmt::Display for CellAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}
