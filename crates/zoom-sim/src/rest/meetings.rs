//! `/v2/users/{who}/meetings` and `/v2/meetings/{id}`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::bearer::Bearer;
use super::call::{self, Call};
use super::error::RestError;
use super::meeting_form::{self, Form};
use super::page::{self, Page};
use super::scopes;
use crate::gate::meeting::Meeting;
use crate::gate::settings::{MeetingType, Settings};
use crate::state::{SharedSim, Sim};
use crate::world::World;

#[derive(Debug, Deserialize)]
pub(super) struct QueryParams {
    /// The list to read; `scheduled` if absent (D).
    #[serde(rename = "type")]
    list: Option<String>,
    #[serde(flatten)]
    page: page::QueryParams,
}

/// Which meetings a list shows (D).
#[derive(Clone, Copy, Debug)]
enum List {
    /// All except instant meetings.
    Scheduled,
    /// Running meetings.
    Live,
    /// Running meetings, and those of [`List::Scheduled`] whose planned end is not past.
    Upcoming,
}

impl List {
    fn read(name: Option<&str>) -> Result<Self, RestError> {
        match name {
            None | Some("scheduled") => Ok(Self::Scheduled),
            Some("live") => Ok(Self::Live),
            Some("upcoming" | "upcoming_meetings") => Ok(Self::Upcoming),
            Some(_) => Err(RestError::Validation("The type must be scheduled, live or upcoming.")),
        }
    }

    fn shows(self, meeting: &Meeting, now: Timestamp) -> bool {
        let settings = &meeting.settings;
        let scheduled = settings.meeting_type != MeetingType::Instant;
        let ends = settings.start_time.map(|at| at + SignedDuration::from_mins(settings.duration.into()));
        match self {
            Self::Scheduled => scheduled,
            Self::Live => meeting.is_running(),
            Self::Upcoming => meeting.is_running() || (scheduled && ends.is_none_or(|ends| now < ends)),
        }
    }
}

/// A user's meetings, by number (ours; Zoom's order is unknown).
pub(super) async fn list(
    State(sim): State<SharedSim>,
    Path(who): Path<String>,
    Query(asked): Query<QueryParams>,
    headers: HeaderMap,
) -> Response {
    call::answer(&sim, Call::ListMeetings, &headers, || all(&sim, &who, &asked, &headers)).await
}

fn all(sim: &Sim, who: &str, asked: &QueryParams, headers: &HeaderMap) -> Result<Json<Value>, RestError> {
    let now = sim.now();
    let world = sim.world();
    let bearer = authorised(sim, &world, headers, scopes::LIST_MEETINGS)?;
    let host = bearer.user(&world, who)?;
    let list = List::read(asked.list.as_deref())?;
    let page = Page::read(&asked.page, format!("meetings/{}/{list:?}", host.id), &world.signing_key, now)?;
    let meetings = world.meetings.values();
    let meetings = meetings.filter(|meeting| meeting.host_id == host.id && list.shows(meeting, now));
    let rows: Vec<(String, &Meeting)> = meetings.map(|meeting| (meeting.number.0.clone(), meeting)).collect();
    let row = |meeting: &&Meeting| meeting_form::row(meeting);
    Ok(Json(page.show("meetings", &rows, row, &world.signing_key, now)))
}

pub(super) async fn create(
    State(sim): State<SharedSim>,
    Path(who): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    call::answer(&sim, Call::CreateMeeting, &headers, || {
        let at = sim.moment();
        let mut world = sim.world();
        let bearer = authorised(&sim, &world, &headers, scopes::CREATE_MEETING)?;
        let form = call::body::<Form>(&body)?;
        let host = bearer.user(&world, form.schedule_for.as_deref().unwrap_or(&who))?;
        let operator = bearer.user(&world, "me")?.id;
        let settings = form.applied(&world, Settings::default())?;
        if !world.count_write(&host.id, at) {
            return Err(RestError::TooManyWrites(at.now));
        }
        let number = world.free_number();
        let meeting = Meeting::new(number.clone(), host.id, host.account_id, settings, at.now);
        world.add_meeting(meeting, &operator, at);
        sim.happened();
        Ok((StatusCode::CREATED, Json(meeting_form::whole(&mut world, &number, at.now)?)))
    })
    .await
}

pub(super) async fn read(
    State(sim): State<SharedSim>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    call::answer(&sim, Call::ReadMeeting, &headers, || {
        let mut world = sim.world();
        let bearer = authorised(&sim, &world, &headers, scopes::READ_MEETING)?;
        let number = bearer.meeting(&world, &number)?.number.clone();
        meeting_form::whole(&mut world, &number, sim.now()).map(Json)
    })
    .await
}

/// 204 (D).
pub(super) async fn change(
    State(sim): State<SharedSim>,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    call::answer(&sim, Call::ChangeMeeting, &headers, || {
        let at = sim.moment();
        let mut world = sim.world();
        let bearer = authorised(&sim, &world, &headers, scopes::CHANGE_MEETING)?;
        let meeting = bearer.meeting(&world, &number)?;
        let form = call::body::<Form>(&body)?;
        let settings = form.applied(&world, meeting.settings.clone())?;
        let host = form.schedule_for.as_deref().map(|who| bearer.user(&world, who)).transpose()?;
        let host = host.map_or_else(|| meeting.host_id.clone(), |host| host.id);
        let operator = bearer.user(&world, "me")?.id;
        let number = meeting.number.clone();
        if !world.count_write(&host, at) {
            return Err(RestError::TooManyWrites(at.now));
        }
        world.change_meeting(&number, settings, &host, &operator, at);
        sim.happened();
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// 204 (D).
pub(super) async fn delete(
    State(sim): State<SharedSim>,
    Path(number): Path<String>,
    headers: HeaderMap,
) -> Response {
    call::answer(&sim, Call::DeleteMeeting, &headers, || {
        let at = sim.moment();
        let mut world = sim.world();
        let bearer = authorised(&sim, &world, &headers, scopes::DELETE_MEETING)?;
        let meeting = bearer.meeting(&world, &number)?;
        if meeting.is_running() {
            return Err(RestError::MeetingRuns);
        }
        let (number, operator) = (meeting.number.clone(), bearer.user(&world, "me")?.id);
        world.remove_meeting(&number, &operator, at);
        sim.happened();
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

fn authorised(
    sim: &Sim,
    world: &World,
    headers: &HeaderMap,
    any_of: &'static [&'static str],
) -> Result<Bearer, RestError> {
    Bearer::read(world, headers, sim.now())?.unexpired()?.with_scope(any_of)
}
