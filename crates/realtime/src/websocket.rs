//! One connection for as long as the bot is in its meeting. Events are text frames.
//!
//! A frame that was written may never arrive. So after some frames comes a ping with the number of the last: the receiver's
//! WebSocket library answers it when it has read what was before, and only then is the position stored. A receiver that does
//! not read fills its connection and nothing else; after half a minute it counts as gone.

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
    open_connections::OpenConnection,
    teller::{Stopped, Teller, outcome_of},
};

/// Events that are sent before the receiver has to have read them.
const BATCH: usize = 100;
/// What a receiver has to read them.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// After so long without any event, it is looked whether the receiver is still there.
const LOOK_INTERVAL: Duration = Duration::from_secs(20);

/// Why a connection is not used any more.
enum Broken {
    Stopped(Stopped),
    /// The receiver's end of it.
    Gone(String),
}

impl<E: Into<Stopped>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Stopped(error.into())
    }
}

/// Connects, and tells the endpoint of what happens until the bot has ended.
#[tracing::instrument(name = "realtime_websocket", skip_all)]
pub(crate) async fn tell(
    mut teller: Teller<'_>,
    connection: OpenConnection,
    stopping: &CancellationToken,
) -> Result<(), Stopped> {
    if !teller.finds_something().await? {
        if teller.is_over(teller.told()).await? {
            return teller.is_done().await;
        }
        return teller.settle(RealtimeNext::Released).await.map(drop);
    }
    let (keys, id) = (teller.keys().await?, teller.id_of(teller.told()));
    let opened = teller.parts.callbacks.open_socket(teller.url.expose(), &keys, &id).await;
    let mut socket = match opened {
        Ok(socket) => socket,
        Err(error) => {
            teller.parts.metrics.realtime_attempt(outcome_of(&error));
            return teller.has_failed(&error.to_string()).await;
        }
    };
    match follow(&mut teller, &mut socket, &connection, stopping).await {
        Ok(()) => Ok(()),
        Err(Broken::Stopped(stopped)) => Err(stopped),
        Err(Broken::Gone(error)) => {
            teller.parts.metrics.realtime_attempt(DeliveryOutcome::Unreachable);
            teller.has_failed(&error).await
        }
    }
}

async fn follow(
    teller: &mut Teller<'_>,
    socket: &mut Socket,
    connection: &OpenConnection,
    stopping: &CancellationToken,
) -> Result<(), Broken> {
    let clock = teller.parts.env.clock.clone();
    // A receiver that accepts and closes at once is not there.
    confirm(teller, socket, Vec::new(), teller.told()).await?;
    loop {
        let events = teller.after(teller.told()).await?;
        for events in events.chunks(BATCH) {
            let messages = events.iter().filter_map(|event| teller.message(event));
            let messages: Vec<_> = messages.map(|message| Frame::text(message.body)).collect();
            let last = events.last().map_or(teller.told(), |event| event.number);
            if messages.is_empty() {
                teller.has_skipped(last).await?;
                continue;
            }
            confirm(teller, socket, messages, last).await?;
            if stopping.is_cancelled() {
                break;
            }
        }
        if stopping.is_cancelled() {
            close(teller, socket, CloseCode::Away).await;
            return Ok(teller.settle(RealtimeNext::Released).await.map(drop)?);
        }
        if !events.is_empty() {
            continue;
        }
        if teller.is_over(teller.told()).await? {
            close(teller, socket, CloseCode::Normal).await;
            return Ok(teller.is_done().await?);
        }
        if teller.settle(RealtimeNext::Kept).await? {
            continue;
        }
        tokio::select! {
            () = connection.due() => {}
            () = stopping.cancelled() => {}
            gone = nothing_but_noise(socket) => return Err(Broken::Gone(gone)),
            () = clock.sleep(LOOK_INTERVAL) => confirm(teller, socket, Vec::new(), teller.told()).await?,
        }
    }
}

/// Sends these frames, and returns when the receiver has read them.
#[tracing::instrument(name = "tell_events", skip_all, fields(last, frames = frames.len()))]
async fn confirm(
    teller: &mut Teller<'_>,
    socket: &mut Socket,
    frames: Vec<Frame>,
    last: u64,
) -> Result<(), Broken> {
    let count = frames.len();
    let telling = async {
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
    match teller.parts.env.clock.timeout(READ_WITHIN, telling).await {
        Some(Ok(())) => {}
        Some(Err(error)) => return Err(Broken::Gone(words(&error))),
        None => return Err(Broken::Gone(format!("it has not read for {} s", READ_WITHIN.as_secs()))),
    }
    for _ in 0..count {
        teller.parts.metrics.realtime_attempt(DeliveryOutcome::Delivered);
    }
    Ok(teller.has_told(last).await?)
}

/// Reads what a receiver sends unasked, which is ignored; answers why the connection has ended. Pings are answered meanwhile.
async fn nothing_but_noise(socket: &mut Socket) -> String {
    loop {
        match socket.next().await {
            Some(Ok(Frame::Close(_))) | None => return words(&FrameError::ConnectionClosed),
            Some(Ok(_)) => {}
            Some(Err(error)) => return words(&error),
        }
    }
}

/// Never what was received: it is not for our log.
fn words(error: &FrameError) -> String {
    match error {
        FrameError::ConnectionClosed | FrameError::AlreadyClosed => "it has closed the connection".into(),
        FrameError::Capacity(_) => "it has sent a message of more than 64 KiB".into(),
        FrameError::Protocol(_) | FrameError::Utf8(_) => "it does not speak WebSocket".into(),
        _ => "the connection was lost".into(),
    }
}

/// Says goodbye, if the receiver listens.
async fn close(teller: &Teller<'_>, socket: &mut Socket, code: CloseCode) {
    let goodbye = socket.close(Some(CloseFrame { code, reason: "".into() }));
    drop(teller.parts.env.clock.timeout(Duration::from_secs(2), goodbye).await);
}
