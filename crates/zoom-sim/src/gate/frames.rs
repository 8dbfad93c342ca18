//! The bounded queue of frames for one socket.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::Outgoing;

/// Most frames that may wait for a slow client (ours). Beyond that its socket closes as if the connection had broken:
/// dropping single frames silently would be worse.
const MAX_WAITING: usize = 1024;

/// Sends frames to the socket. The socket closes when this is dropped and all sent frames are written.
#[derive(Debug)]
pub(crate) struct FrameSender {
    frames: mpsc::Sender<Outgoing>,
    overflow: CancellationToken,
}

/// Receives the frames on the socket's side.
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
    /// Sends a frame; does nothing if the socket has closed.
    pub(super) fn send(&self, frame: Outgoing) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.frames.try_send(frame) {
            tracing::warn!(MAX_WAITING, "a client does not read its frames; closing its socket");
            self.overflow.cancel();
        }
    }
}

impl FrameReceiver {
    /// The next frame; `None` when the socket must close.
    pub(super) async fn next(&mut self) -> Option<Outgoing> {
        if self.overflow.is_cancelled() {
            return None;
        }
        self.frames.recv().await
    }

    /// Cancelled when too many frames wait.
    pub(super) fn overflow(&self) -> CancellationToken {
        self.overflow.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_disconnected() {
        let (sender, mut receiver) = channel();
        for _ in 0..MAX_WAITING {
            sender.send(Outgoing::keep_alive(1));
        }
        assert!(receiver.next().await.is_some());
        sender.send(Outgoing::keep_alive(1));
        assert!(receiver.next().await.is_some(), "the queue must have room again");
        sender.send(Outgoing::keep_alive(1));
        sender.send(Outgoing::keep_alive(1));
        assert!(receiver.next().await.is_none());
    }
}
