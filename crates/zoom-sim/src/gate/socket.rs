//! Step 3 of a join, and the stay itself: `wss /wc/api/{number}`.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::event::{self, Incoming, Outgoing};
use super::frames::FrameReceiver;
use super::{admission, commands};
use crate::faults::{self, Place};
use crate::ids::MeetingNumber;
use crate::listeners::HangUp;
use crate::state::SharedSim;

/// Largest message from a client (ours); the SDK's own frames are far smaller.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// The query parameters that matter: the join ticket of step 1, and the `zoomID` of an earlier stay.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Opening {
    #[serde(default)]
    pub(crate) auth: String,
    #[serde(default)]
    pub(crate) mid: String,
    #[serde(default)]
    pub(crate) zoomid: Option<String>,
}

/// Body of 4301.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Credentials {
    /// `sign` of step 1's result.
    pub(crate) sign: String,
    /// `passWord` of step 1's result.
    pub(crate) mpwd: String,
    pub(crate) zak: Option<String>,
    /// `tk` of step 1's result.
    pub(crate) tk: Option<String>,
    /// Token for a breakout room (read in the SDK, and observed).
    #[serde(rename = "botk")]
    pub(crate) breakout: Option<String>,
    #[serde(rename = "obfToken")]
    pub(crate) obf: Option<String>,
    /// `recordingToken` of the SDK's `join` (read in the SDK).
    #[serde(rename = "localRecordToken")]
    pub(crate) join_token: Option<String>,
}

pub(crate) async fn handler(
    State(sim): State<SharedSim>,
    Path(number): Path<MeetingNumber>,
    Query(opening): Query<Opening>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let cut = {
        let world = sim.world();
        let name = world.admissions.get(&opening.auth).map(|admission| admission.name.as_str());
        world.meetings.get(&number).is_some_and(|meeting| meeting.cuts.concern(name))
    };
    if cut {
        return HangUp.into_response();
    }
    let work = async {
        let guest = sim.clone();
        upgrade.max_message_size(MAX_MESSAGE_BYTES).on_upgrade(move |socket| {
            let tasks = guest.tasks.clone();
            tasks.track_future(attend(guest, number, opening, socket))
        })
    };
    faults::around(&sim, Place::WcSocket, work).await
}

/// `wss /wc/media/{number}`: accepted, and ignored until it closes. No media is simulated.
pub(crate) async fn media(State(sim): State<SharedSim>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |mut socket| {
        let tasks = sim.tasks.clone();
        tasks.track_future(async move {
            loop {
                tokio::select! {
                    message = socket.recv() => if !matches!(message, Some(Ok(_))) { break },
                    () = sim.stopping.cancelled() => break,
                }
            }
        })
    })
}

/// Runs a whole stay, from the greeting to the close.
async fn attend(sim: SharedSim, number: MeetingNumber, opening: Opening, socket: WebSocket) {
    let mut line = Line { socket, frames: 0 };
    if line.say(&Outgoing::new(event::READY, json!({"status": "READY"}))).await.is_err() {
        return;
    }
    let Some(credentials) = first_credentials(&sim, &mut line).await else { return };
    match admission::enter(&sim, &number, &opening, &credentials) {
        Ok(entered) => {
            stay(&sim, &number, entered.id, &mut line, entered.frames).await;
            let mut world = sim.world();
            if let Some(meeting) = world.meetings.get_mut(&number) {
                meeting.hang_up(entered.id);
            }
            world.spread_news(&number, sim.moment());
            sim.happened();
        }
        Err(refusal) => {
            let result = Outgoing::new(event::JOIN_RESULT, json!({"res": refusal.at_socket()}));
            line.say(&result).await.ok();
        }
    }
    line.socket.send(Message::Close(None)).await.ok();
}

/// Waits for 4301 and echoes keep-alives meanwhile. `None` when the connection closed.
async fn first_credentials(sim: &SharedSim, line: &mut Line) -> Option<Credentials> {
    loop {
        let frame = tokio::select! {
            frame = line.hear() => frame?,
            () = sim.stopping.cancelled() => return None,
        };
        match frame.evt {
            event::CREDENTIALS => return serde_json::from_value(frame.body).ok(),
            event::READY => line.say(&Outgoing::keep_alive(frame.seq)).await.ok()?,
            _ => {}
        }
    }
}

/// Forwards frames in both directions until either side ends the stay.
async fn stay(sim: &SharedSim, number: &MeetingNumber, id: u32, line: &mut Line, mut frames: FrameReceiver) {
    let overflow = frames.overflow();
    loop {
        tokio::select! {
            frame = frames.next() => {
                let Some(frame) = frame else { break };
                // Otherwise a client that reads nothing would block this loop forever.
                tokio::select! {
                    said = line.say(&frame) => if said.is_err() { break },
                    () = overflow.cancelled() => break,
                    () = sim.stopping.cancelled() => break,
                }
            }
            frame = line.hear() => {
                let Some(frame) = frame else { break };
                commands::obey(sim, number, id, &frame);
            }
            () = sim.stopping.cancelled() => break,
        }
    }
}

/// A WebSocket that sends and receives frames.
struct Line {
    socket: WebSocket,
    frames: u64,
}

impl Line {
    async fn say(&mut self, frame: &Outgoing) -> Result<(), axum::Error> {
        self.socket.send(frame.text(&mut self.frames)).await
    }

    /// The next frame; binary and unreadable messages are skipped. `None` when the socket closed.
    async fn hear(&mut self) -> Option<Incoming> {
        loop {
            match self.socket.recv().await?.ok()? {
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(frame) => return Some(frame),
                    Err(error) => tracing::debug!(%error, "skipping an unreadable frame"),
                },
                Message::Close(_) => return None,
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    }
}
