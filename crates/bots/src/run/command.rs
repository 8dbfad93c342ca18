//! Commands to a running bot.

use tokio::sync::watch;

/// A command to a running bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BotCommand {
    /// A caller told the bot to leave.
    Leave,
    /// This process stops: the bot leaves the meeting, and another server takes it.
    HandOver,
}

/// The latest command.
pub(crate) type LatestCommand = watch::Receiver<Option<BotCommand>>;

/// Runs `work` unless a command comes first.
pub(super) async fn unless_commanded<T>(
    commands: &mut LatestCommand,
    work: impl Future<Output = T>,
) -> Result<T, BotCommand> {
    tokio::select! {
        value = work => Ok(value),
        command = next_command(commands) => Err(command),
    }
}

/// The current command, or the next one if there is none.
pub(super) async fn next_command(commands: &mut LatestCommand) -> BotCommand {
    loop {
        let command = *commands.borrow_and_update();
        if let Some(command) = command {
            return command;
        }
        if commands.changed().await.is_err() {
            // The sender is gone, so no command will come.
            std::future::pending::<()>().await;
        }
    }
}
