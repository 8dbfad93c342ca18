//! Why a call on the store failed.

/// Why a call on the store failed. A missing row is not an error: it is returned as `None`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be read or written; the same call may work later.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refuses the statement or a value: the same call fails again.
    #[error("the store refuses a statement: {0}")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row with this identity already exists.
    #[error("{0} already exists")]
    Exists(&'static str),
    /// The row that this one refers to was removed.
    #[error("{0} is gone")]
    Gone(&'static str),
    /// A row has content that this version cannot read.
    #[error("a row of {table} is not readable: {cause}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The cause.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<StoreError> for model::Failure {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Unavailable(_) => model::Code::Unavailable,
            StoreError::Gone(_) => model::Code::AppUnhealthy,
            StoreError::Exists(_) | StoreError::Corrupt { .. } | StoreError::Refused(_) => {
                model::Code::Internal
            }
        };
        match code {
            // The driver's error is only for the log.
            model::Code::Unavailable => Self::new(code, "the database is unavailable").caused_by(error),
            code => Self::of(code, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, io};

    use model::{Code, Failure};

    use super::*;

    /// A log that prints the sources of an error includes the disk's error, however deep it is.
    #[test]
    fn a_failure_has_the_error_as_its_source() {
        let disk = io::Error::new(io::ErrorKind::StorageFull, "no space left");
        let failure = Failure::from(StoreError::Unavailable(Box::new(disk)));
        assert_eq!(failure.code, Code::Unavailable);
        let store = failure.source().unwrap().downcast_ref::<StoreError>().unwrap();
        let disk = store.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(disk.kind(), io::ErrorKind::StorageFull);
    }
}
