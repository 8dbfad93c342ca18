//! The results of the cases so far, and the line at the end.

use indicatif::{ProgressBar, ProgressStyle};

use crate::{Case, End, Outcome, Searched, Story};

pub(crate) struct Tally {
    bar: ProgressBar,
    killed: u32,
    recovered: u32,
    lost: u32,
    silent: u32,
    failed: u32,
    searched: Searched,
}

impl Tally {
    pub(crate) fn new(cases: usize) -> Self {
        let bar = ProgressBar::new(cases as u64);
        let style = ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} {elapsed:.dim}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Self { bar, killed: 0, recovered: 0, lost: 0, silent: 0, failed: 0, searched: Searched::default() }
    }

    /// Records a finished case.
    pub(crate) fn note(&mut self, case: &Case, ended: anyhow::Result<(End, Searched)>) {
        let killed = matches!(case.story, Story::Kill(_) | Story::Import(_));
        self.killed += u32::from(killed);
        let line = match ended {
            Ok((end, searched)) => {
                self.searched.add(searched);
                match end {
                    End::Killed(Outcome::Recovered) => {
                        self.recovered += 1;
                        "recovered".to_owned()
                    }
                    End::Killed(Outcome::ResponseLost) => {
                        self.lost += 1;
                        "response lost, and reported".to_owned()
                    }
                    End::Seen(what) => what,
                }
            }
            Err(error) => {
                let counter = if killed { &mut self.silent } else { &mut self.failed };
                *counter += 1;
                self.say(&format!("✕ {}: {error:#}", case.name));
                self.bar.inc(1);
                return;
            }
        };
        self.say(&format!("✓ {}: {line}", case.name));
        self.bar.inc(1);
    }

    /// Prints the final line, and returns whether everything passed.
    pub(crate) fn close(self) -> bool {
        self.bar.finish_and_clear();
        let Self { killed, recovered, lost, silent, failed, searched, .. } = self;
        eprintln!("{searched}");
        if failed > 0 {
            eprintln!("{failed} checks failed");
        }
        println!(
            "kill points {killed}, recovered {recovered}, response lost {lost} (all reported), silent losses {silent}"
        );
        silent == 0 && failed == 0 && searched.is_clean()
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}
