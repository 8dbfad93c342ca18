//! What a running bot is told to do.

use tokio::sync::watch;

/// What a bot is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BotCommand {
    /// Somebody asked over the API that it leaves.
    Leave,
    /// This process stops: the bot leaves, and belongs to the next that asks.
    HandOver,
}

/// The latest command.
pub(crate) type Commands = watch::Receiver<Option<BotCommand>>;

/// Runs `work` unless a command comes first.
pub(crate) async fn unless_told<T>(
    commands: &mut Commands,
    work: impl Future<Output = T>,
) -> Result<T, BotCommand> {
    tokio::select! {
        value = work => Ok(value),
        command = next_command(commands) => Err(command),
    }
}

/// The command that stands, once there is one.
pub(crate) async fn next_command(commands: &mut Commands) -> BotCommand {
    loop {
        let command = *commands.borrow_and_update();
        if let Some(command) = command {
            return command;
        }
        if commands.changed().await.is_err() {
            // What gives commands lives as long as the bot does.
            std::future::pending::<()>().await;
        }
    }
}
