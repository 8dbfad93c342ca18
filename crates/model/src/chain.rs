//! An error with its causes.

use std::{
    error::Error,
    fmt::{self, Write as _},
};

/// Prints an error and its causes in one line, for logs: `no page: Chromium is gone: broken pipe`. A cause that the error
/// above it already quotes is left out.
pub fn chain<'e>(error: &'e (dyn Error + 'e)) -> Chain<'e> {
    Chain(error)
}

/// See [`chain`].
#[derive(Debug, Clone, Copy)]
pub struct Chain<'e>(&'e (dyn Error + 'e));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut above = self.0.to_string();
        f.write_str(&above)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !quotes(&above, &text) {
                f.write_str(": ")?;
                f.write_str(&text)?;
                let _ = write!(above, " {text}");
            }
            cause = error.source();
        }
        Ok(())
    }
}

/// Whether `above` has the text, perhaps without a prefix as drivers add it (`error returned from database: …`).
fn quotes(above: &str, text: &str) -> bool {
    let without_prefix = text.rsplit_once(": ").map(|(_, rest)| rest).filter(|rest| rest.len() > 12);
    above.contains(text) || without_prefix.is_some_and(|rest| above.contains(rest))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::chain;
    use crate::{Code, Failure};

    #[test]
    fn every_cause_is_printed_once() {
        let disk = io::Error::new(io::ErrorKind::StorageFull, "no space left");
        let quoted = Failure::of(Code::Unavailable, disk);
        assert_eq!(chain(&quoted).to_string(), "unavailable: no space left");
        let wrapped = Failure::new(Code::Internal, "the journal stopped").caused_by(quoted);
        assert_eq!(chain(&wrapped).to_string(), "internal: the journal stopped: unavailable: no space left");
    }
}
