//! Frames on their way to a socket, of which only so many may wait.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::Outgoing;

/// So many frames may wait for a client that reads slowly (ours). Then its socket closes, as if its line had broken: a
/// frame that is left out without a word would be worse.
const MAX_WAITING: usize = 1024;

/// To the socket. The socket closes when this is dropped and what was sent has left.
#[derive(Debug)]
pub(crate) struct FrameSender {
    frames: mpsc::Sender<Outgoing>,
    overflow: CancellationToken,
}

/// The socket's end.
#[derive(Debug)]
pub(crate) struct FrameReceiver {
    frames: mpsc::Receiver<Outgoing>,
    overflow: CancellationToken,
}

pub(super) fn channel() -> (FrameSender, FrameReceiver) {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    let overflow = CancellationToken::new();
    let line = FrameSender { frames: sender, overflow: overflow.clone() };
    (line, FrameReceiver { frames: receiver, overflow })
}

impl FrameSender {
    /// Sends a frame; ignored when the socket has just closed.
    pub(super) fn send(&self, frame: Outgoing) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.frames.try_send(frame) {
            tracing::warn!(MAX_WAITING, "a client does not read its frames; its socket is closed");
            self.overflow.cancel();
        }
    }
}

impl FrameReceiver {
    /// The next frame; `None` when the socket is to close.
    pub(super) async fn next(&mut self) -> Option<Outgoing> {
        if self.overflow.is_cancelled() {
            return None;
        }
        self.frames.recv().await
    }

    /// Cancelled when too many wait.
    pub(super) fn overflow(&self) -> CancellationToken {
        self.overflow.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_cut_off() {
        let (sender, mut receiver) = channel();
        for _ in 0..MAX_WAITING {
            sender.send(Outgoing::keep_alive(1));
        }
        assert!(receiver.next().await.is_some());
        sender.send(Outgoing::keep_alive(1));
        assert!(receiver.next().await.is_some(), "there was a place again");
        sender.send(Outgoing::keep_alive(1));
        sender.send(Outgoing::keep_alive(1));
        assert!(receiver.next().await.is_none());
    }
}
