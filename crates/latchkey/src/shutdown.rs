//! When to stop: a signal, or the end of standard input. A second signal ends the process at once.

use std::{io, process};

use tokio::{
    io::AsyncReadExt,
    signal::unix::{Signal, SignalKind, signal},
};

/// How a role is told to stop, beside signals.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct StopArguments {
    /// Stop when standard input ends: then the process never outlives the one that started it.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Hears signals from its making on: made before a role says that it is ready, none is missed.
pub(crate) struct Stop {
    arguments: StopArguments,
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    pub(crate) fn listen(arguments: StopArguments) -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { arguments, interrupt, terminate })
    }

    /// Resolves when it is time to stop. From then on a further signal exits at once.
    pub(crate) async fn asked(mut self) {
        tokio::select! {
            () = self.signalled() => {}
            () = end_of_stdin(), if self.arguments.stop_with_stdin => {}
        }
        tracing::info!("stopping; a second signal stops at once");
        #[expect(clippy::disallowed_methods, reason = "it must end even a tracker that waits for its tasks")]
        tokio::spawn(async move {
            self.signalled().await;
            process::exit(130);
        });
    }

    async fn signalled(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn end_of_stdin() {
    let (mut stdin, mut buffer) = (tokio::io::stdin(), [0; 64]);
    while stdin.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
