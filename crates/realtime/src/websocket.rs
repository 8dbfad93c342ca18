//! Sends events as text frames over one connection, while the bot is in its meeting.
//!
//! A frame that was written may never arrive. So each batch of frames is followed by a ping with the number of the last
//! event. The receiver's WebSocket library responds to the ping when it has read the frames before it, and only then is
//! the position stored. A receiver that does not read fills only its own connection, which is closed after half a minute.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use metrics::DeliveryOutcome;
use outbound::{
    Socket,
    frames::{CloseCode, CloseFrame, Frame, FrameError},
};
use store::RealtimeNext;
use tokio_util::sync::CancellationToken;

use crate::{
    leased_endpoint::{LeasedEndpoint, Stopped, outcome_of},
    open_connections::OpenConnection,
};

/// The most events that are sent before the receiver must confirm them.
const BATCH: usize = 100;
/// How long a receiver may take to confirm a batch.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// After this time without an event, a ping checks that the connection still works.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Why a connection is no longer used.
enum Broken {
    Stopped(Stopped),
    /// The connection is lost, for this reason.
    Lost(String),
}

impl<E: Into<Stopped>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Stopped(error.into())
    }
}

/// Connects, and sends events until the bot has ended.
#[tracing::instrument(name = "realtime_websocket", skip_all)]
pub(crate) async fn send(
    mut endpoint: LeasedEndpoint<'_>,
    connection: OpenConnection,
    stopping: &CancellationToken,
) -> Result<(), Stopped> {
    if !endpoint.skip_unwanted().await? {
        if endpoint.is_over(endpoint.delivered_up_to()).await? {
            return endpoint.record_done().await;
        }
        return endpoint.settle(RealtimeNext::Released).await.map(drop);
    }
    let (keys, id) = (endpoint.keys().await?, endpoint.id_of(endpoint.delivered_up_to()));
    let opened = endpoint.parts.callbacks.open_socket(endpoint.url.expose(), &keys, &id).await;
    let mut socket = match opened {
        Ok(socket) => socket,
        Err(error) => {
            endpoint.parts.metrics.realtime_attempt(outcome_of(&error));
            return endpoint.record_failure(&error.to_string()).await;
        }
    };
    match follow(&mut endpoint, &mut socket, &connection, stopping).await {
        Ok(()) => Ok(()),
        Err(Broken::Stopped(stopped)) => Err(stopped),
        Err(Broken::Lost(error)) => {
            endpoint.parts.metrics.realtime_attempt(DeliveryOutcome::Unreachable);
            endpoint.record_failure(&error).await
        }
    }
}

async fn follow(
    endpoint: &mut LeasedEndpoint<'_>,
    socket: &mut Socket,
    connection: &OpenConnection,
    stopping: &CancellationToken,
) -> Result<(), Broken> {
    let clock = endpoint.parts.env.clock.clone();
    // A receiver that accepts the connection and closes it at once counts as a failure.
    confirm(endpoint, socket, Vec::new(), endpoint.delivered_up_to()).await?;
    loop {
        let events = endpoint.after(endpoint.delivered_up_to()).await?;
        for events in events.chunks(BATCH) {
            let messages = events.iter().filter_map(|event| endpoint.message(event));
            let messages: Vec<_> = messages.map(|message| Frame::text(message.body)).collect();
            let last = events.last().map_or(endpoint.delivered_up_to(), |event| event.number);
            if messages.is_empty() {
                endpoint.record_skipped(last).await?;
                continue;
            }
            confirm(endpoint, socket, messages, last).await?;
            if stopping.is_cancelled() {
                break;
            }
        }
        if stopping.is_cancelled() {
            close(endpoint, socket, CloseCode::Away).await;
            return Ok(endpoint.settle(RealtimeNext::Released).await.map(drop)?);
        }
        if !events.is_empty() {
            continue;
        }
        if endpoint.is_over(endpoint.delivered_up_to()).await? {
            close(endpoint, socket, CloseCode::Normal).await;
            return Ok(endpoint.record_done().await?);
        }
        if endpoint.settle(RealtimeNext::Kept).await? {
            continue;
        }
        tokio::select! {
            () = connection.due() => {}
            () = stopping.cancelled() => {}
            lost = ignore_until_closed(socket) => return Err(Broken::Lost(lost)),
            () = clock.sleep(PING_INTERVAL) => confirm(endpoint, socket, Vec::new(), endpoint.delivered_up_to()).await?,
        }
    }
}

/// Sends these frames, and waits until the receiver has read them.
#[tracing::instrument(name = "send_events", skip_all, fields(last, frames = frames.len()))]
async fn confirm(
    endpoint: &mut LeasedEndpoint<'_>,
    socket: &mut Socket,
    frames: Vec<Frame>,
    last: u64,
) -> Result<(), Broken> {
    let count = frames.len();
    let sending = async {
        for frame in frames {
            socket.feed(frame).await?;
        }
        socket.send(Frame::Ping(last.to_be_bytes().to_vec().into())).await?;
        loop {
            match socket.next().await.ok_or(FrameError::ConnectionClosed)?? {
                Frame::Pong(number) if *number == last.to_be_bytes() => return Ok(()),
                Frame::Close(_) => return Err(FrameError::ConnectionClosed),
                _ => {}
            }
        }
    };
    match endpoint.parts.env.clock.timeout(READ_TIMEOUT, sending).await {
        Some(Ok(())) => {}
        Some(Err(error)) => return Err(Broken::Lost(words(&error))),
        None => return Err(Broken::Lost(format!("it has not read for {} s", READ_TIMEOUT.as_secs()))),
    }
    for _ in 0..count {
        endpoint.parts.metrics.realtime_attempt(DeliveryOutcome::Delivered);
    }
    Ok(endpoint.record_delivered(last).await?)
}

/// Ignores messages of the receiver, and responds to its pings. Returns the reason when the connection has ended.
async fn ignore_until_closed(socket: &mut Socket) -> String {
    loop {
        match socket.next().await {
            Some(Ok(Frame::Close(_))) | None => return words(&FrameError::ConnectionClosed),
            Some(Ok(_)) => {}
            Some(Err(error)) => return words(&error),
        }
    }
}

/// Describes an error, without any received data, which must not be logged.
fn words(error: &FrameError) -> String {
    match error {
        FrameError::ConnectionClosed | FrameError::AlreadyClosed => "it has closed the connection".into(),
        FrameError::Capacity(_) => "it has sent a message of more than 64 KiB".into(),
        FrameError::Protocol(_) | FrameError::Utf8(_) => "it does not speak WebSocket".into(),
        _ => "the connection was lost".into(),
    }
}

/// Closes the connection with a closing handshake, if the receiver responds.
async fn close(endpoint: &LeasedEndpoint<'_>, socket: &mut Socket, code: CloseCode) {
    let goodbye = socket.close(Some(CloseFrame { code, reason: "".into() }));
    drop(endpoint.parts.env.clock.timeout(Duration::from_secs(2), goodbye).await);
}
