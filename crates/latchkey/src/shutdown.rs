//! When to stop: a signal, or the end of standard input. A further signal ends the process at once.

use std::{
    io::{self, Read as _},
    process, thread,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
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
        self.first().await;
        self.exit_at_the_next();
    }

    /// Resolves when it is time to stop.
    pub(crate) async fn first(&mut self) {
        tokio::select! {
            () = self.signalled() => {}
            () = end_of_stdin(), if self.arguments.stop_with_stdin => {}
        }
    }

    /// From now on a further signal exits at once.
    pub(crate) fn exit_at_the_next(mut self) {
        tracing::info!("stopping; a further signal stops at once");
        #[expect(clippy::disallowed_methods, reason = "it must end even a tracker that waits for its tasks")]
        tokio::spawn(async move {
            self.signalled().await;
            process::exit(130);
        });
    }

    /// Resolves at the next signal.
    pub(crate) async fn signalled(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Reads on a thread of its own. The runtime would wait for its own blocking threads at its end, and this one
/// reads until the other end is closed.
async fn end_of_stdin() {
    let (ended, end) = oneshot::channel();
    let reading = thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut buffer = [0; 64];
        while io::stdin().read(&mut buffer).is_ok_and(|read| read > 0) {}
        let _nobody_waits = ended.send(());
    });
    match reading {
        Ok(_) => _ = end.await,
        Err(error) => {
            tracing::warn!(%error, "standard input cannot be watched: only signals stop this process");
            std::future::pending::<()>().await;
        }
    }
}
