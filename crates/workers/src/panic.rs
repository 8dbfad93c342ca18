//! Catches panics.

use std::{any::Any, panic::AssertUnwindSafe};

use futures_util::FutureExt as _;

/// Runs `work`, and returns the message of a panic as an error.
///
/// State that `work` shares must stay valid after a panic. In this project it is behind locks that ignore poisoning, or in
/// the store.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".into())
}
