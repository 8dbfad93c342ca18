//! `POST /wc/rs?mn=…`: the SDK's widget polls whether a meeting has started.

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ids::MeetingNumber;
use crate::state::SharedSim;

#[derive(Deserialize)]
pub(crate) struct QueryParams {
    mn: MeetingNumber,
}

/// `status: true` makes the widget join again; 3008 makes it ask again in 30 seconds.
pub(crate) async fn handler(State(sim): State<SharedSim>, Query(asked): Query<QueryParams>) -> Json<Value> {
    let started = sim
        .world()
        .meetings
        .get(&asked.mn)
        .is_some_and(|meeting| meeting.is_running() || meeting.settings.join_before_host);
    Json(if started {
        json!({"status": true, "errorCode": 0, "errorMessage": null, "result": null})
    } else {
        json!({"status": false, "errorCode": 3008, "errorMessage": "Meeting has not started", "result": null})
    })
}
