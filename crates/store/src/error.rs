//! Why a call on the store failed.

/// Not "not found": that is `None`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be read or written; the same call may work later.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row with this identity exists.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// The row that this one refers to was removed.
    #[error("{0} is gone")]
    Gone(&'static str),
    /// A row has content that this version cannot read.
    #[error("a row of {table} is not readable: {cause}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What was wrong.
        cause: String,
    },
}

impl From<StoreError> for model::Failure {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Unavailable(_) => model::Code::Unavailable,
            StoreError::Gone(_) => model::Code::AppUnhealthy,
            StoreError::Exists(_) | StoreError::Corrupt { .. } => model::Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}
