//! The key ring of an installation.

mod source;

pub(crate) use source::provider;
