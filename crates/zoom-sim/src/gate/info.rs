//! Step 1 of a join: `POST /api/v1/wc/info`.

use std::borrow::Cow;

use axum::Json;
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use super::join_ticket::{self, Joiner};
use super::meeting::Meeting;
use super::refusal;
use super::rules::{self, Attempt};
use super::settings::{FixedRefusal, Step};
use crate::clock::Clock;
use crate::faults::{self, Place};
use crate::ids::MeetingNumber;
use crate::listeners::HangUp;
use crate::state::{SharedSim, Sim};
use crate::world::World;
use crate::world::history::JoinRequest;
use crate::zak;

/// The form fields that affect the answer.
#[derive(Deserialize)]
pub(crate) struct QueryParams {
    #[serde(rename = "meetingNumber")]
    number: MeetingNumber,
    #[serde(rename = "userName", default)]
    name: String,
    #[serde(rename = "userEmail", default)]
    email: String,
    /// Percent-encoded once more inside the form (O).
    #[serde(rename = "passWord", default)]
    encoded_passcode: String,
    /// A registrant's token.
    #[serde(default)]
    tk: String,
    #[serde(default)]
    signature: String,
    /// ZAK of a participant who joins.
    #[serde(default)]
    ztk: String,
    /// ZAK of a participant who starts the meeting.
    #[serde(default)]
    zsk: String,
}

impl QueryParams {
    fn zak(&self) -> Option<&str> {
        [self.zsk.as_str(), self.ztk.as_str()].into_iter().find(|zak| !zak.is_empty())
    }

    fn passcode(&self) -> Cow<'_, str> {
        percent_decode_str(&self.encoded_passcode).decode_utf8_lossy()
    }
}

pub(crate) async fn handler(State(sim): State<SharedSim>, Form(asked): Form<QueryParams>) -> Response {
    let cut = |meeting: &Meeting| meeting.cuts.concern(Some(&asked.name));
    if sim.world().meetings.get(&asked.number).is_some_and(cut) {
        return HangUp.into_response();
    }
    let at_unix_ms = Clock::real_unix_ms();
    faults::around(&sim, Place::WcInfo, async { Json(answer(&sim, &asked, at_unix_ms)).into_response() })
        .await
}

fn answer(sim: &Sim, asked: &QueryParams, at_unix_ms: i64) -> Value {
    let now = sim.now();
    let passcode = asked.passcode();
    let mut world = sim.world();
    let signed_in_as = asked.zak().and_then(|zak| zak::holder(&world, zak, now)).map(|user| user.id.clone());
    let signed_in = signed_in_as.is_some();
    let request = world.history.open(JoinRequest::new(at_unix_ms, &asked.number, &asked.name, signed_in_as));
    let attempt = Attempt {
        number: &asked.number,
        signature: &asked.signature,
        passcode: &passcode,
        zak: asked.zak(),
        obf: None,
        join_token: None,
        email: &asked.email,
        tk: Some(asked.tk.as_str()).filter(|tk| !tk.is_empty()),
        rejoins: None,
    };
    if let Some(fixed) = fixed(&world, &asked.number) {
        world.history.refuse(request, fixed.code, refusal::FIXED);
        return refused(fixed.code, &fixed.message);
    }
    let verdict = rules::judge(&world, &attempt, now);
    let host = verdict.as_ref().is_ok_and(|seat| seat.host);
    let refusal = verdict.err().and_then(|refusal| Some((refusal, refusal.at_info()?)));
    tracing::info!(
        meeting = %asked.number,
        signed_in,
        refusal = refusal.map(|(refusal, _)| refusal.word()),
        "step 1 of a join"
    );
    if let Some((refusal, error)) = refusal {
        world.history.refuse(request, error.code, refusal.word());
        return refused(error.code, error.message);
    }
    let joiner = Joiner {
        name: &asked.name,
        email: &asked.email,
        passcode: &passcode,
        signature: &asked.signature,
        zak: asked.zak(),
        tk: &asked.tk,
        host,
    };
    let result = join_ticket::grant(&mut world, &asked.number, &joiner, request, now);
    json!({"status": true, "errorCode": 0, "errorMessage": null, "result": result})
}

/// The refusal that step 1 gives to every join of the meeting, if one is set.
fn fixed(world: &World, number: &MeetingNumber) -> Option<FixedRefusal> {
    let fixed = world.meetings.get(number)?.settings.refusal.clone()?;
    Some(fixed).filter(|fixed| fixed.at == Step::Info)
}

fn refused(code: u32, message: &str) -> Value {
    json!({"status": false, "errorCode": code, "errorMessage": message, "result": null})
}
