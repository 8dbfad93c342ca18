//! When to stop: a signal, or the end of standard input. A second signal ends the process at once.

use std::process;

use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};

/// How a role is told to stop, beside signals.
#[derive(Clone, Copy, clap::Args)]
pub(crate) struct StopArguments {
    /// Stop when standard input ends: then the process never outlives the one that started it.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Resolves when it is time to stop. From then on a further signal exits at once.
pub(crate) async fn asked(arguments: StopArguments) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = end_of_stdin(), if arguments.stop_with_stdin => {}
    }
    tracing::info!("stopping; a second signal stops at once");
    #[expect(clippy::disallowed_methods, reason = "it must end even a tracker that waits for its tasks")]
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        process::exit(130);
    });
    Ok(())
}

async fn end_of_stdin() {
    let (mut stdin, mut buffer) = (tokio::io::stdin(), [0; 64]);
    while stdin.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
