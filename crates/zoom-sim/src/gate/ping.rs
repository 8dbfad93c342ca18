//! Step 2 of a join: `GET /wc/ping/{number}` returns the host name of the socket.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::faults::{self, Place};
use crate::ids::MeetingNumber;
use crate::listeners::HangUp;
use crate::state::SharedSim;

/// The tokens are opaque to the SDK, which sends them back; here only `auth` connects the steps (ours).
pub(crate) async fn handler(State(sim): State<SharedSim>, Path(number): Path<MeetingNumber>) -> Response {
    if sim.world().meetings.get(&number).is_some_and(|meeting| meeting.cuts.concern(None)) {
        return HangUp.into_response();
    }
    let work = async {
        let answer = json!({
            "rwg": "rwg.zoom.us",
            "rwcAuth": number,
            "rwcToken": "rwc",
            "rwgToken": "rwg",
        });
        Json(answer).into_response()
    };
    faults::around(&sim, Place::WcPing, work).await
}
