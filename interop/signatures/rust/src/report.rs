//! A line for each check.

use std::process::ExitCode;

#[derive(Default)]
pub(crate) struct Report {
    failed: bool,
}

impl Report {
    pub(crate) fn check(&mut self, who: &str, what: &str, run: impl FnOnce() -> Result<(), String>) {
        match run() {
            Ok(()) => println!("ok   {who}: {what}"),
            Err(error) => {
                self.failed = true;
                println!("FAIL {who}: {what}: {error}");
            }
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
