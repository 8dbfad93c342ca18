//! Request and answer bodies of meetings.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::RestError;
use crate::gate::meeting::Meeting;
use crate::gate::settings::{MeetingType, Settings, SignIn};
use crate::ids::MeetingNumber;
use crate::webhooks::meeting_event;
use crate::world::World;
use crate::world::user::User;
use crate::zak;

/// Most characters of a topic and of an agenda (D).
const TOPIC: usize = 200;
const AGENDA: usize = 2_000;
/// Most characters of a passcode (D).
const PASSCODE: usize = 10;

/// The body of a creation or a change. Fields that are not simulated are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Form {
    topic: Option<String>,
    agenda: Option<String>,
    #[serde(rename = "type")]
    meeting_type: Option<u8>,
    start_time: Option<String>,
    duration: Option<u32>,
    timezone: Option<String>,
    password: Option<String>,
    /// Makes this user of the account the host (D).
    pub(super) schedule_for: Option<String>,
    settings: SettingsForm,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SettingsForm {
    waiting_room: Option<bool>,
    join_before_host: Option<bool>,
    meeting_authentication: Option<bool>,
    /// E-mail addresses, separated by semicolons (D).
    alternative_hosts: Option<String>,
}

impl Form {
    /// `settings` with the form's values applied.
    pub(super) fn applied(&self, world: &World, mut settings: Settings) -> Result<Settings, RestError> {
        set(&mut settings.topic, short(self.topic.as_ref(), TOPIC, "The topic is too long.")?);
        set(&mut settings.agenda, short(self.agenda.as_ref(), AGENDA, "The agenda is too long.")?);
        set(&mut settings.passcode, short(self.password.as_ref(), PASSCODE, "The passcode is too long.")?);
        set(&mut settings.duration, self.duration);
        if let Some(number) = self.meeting_type {
            settings.meeting_type = MeetingType::try_from(number)
                .map_err(|_| RestError::Validation("The type must be 1, 2, 3 or 8."))?;
        }
        if let Some(name) = &self.timezone {
            TimeZone::get(name).map_err(|_| RestError::Validation("The timezone is unknown."))?;
            settings.timezone.clone_from(name);
        }
        if let Some(text) = &self.start_time {
            settings.start_time = Some(time(text, &settings.timezone)?);
        }
        let form = &self.settings;
        set(&mut settings.waiting_room, form.waiting_room);
        set(&mut settings.join_before_host, form.join_before_host);
        match form.meeting_authentication {
            Some(true) if settings.sign_in == SignIn::None => settings.sign_in = SignIn::Any,
            Some(false) => settings.sign_in = SignIn::None,
            _ => {}
        }
        if let Some(addresses) = &form.alternative_hosts {
            let addresses = addresses.split([';', ',']).map(str::trim).filter(|address| !address.is_empty());
            let user =
                |address: &str| world.users.iter().find(|user| user.email.eq_ignore_ascii_case(address));
            let users: Option<Vec<&User>> = addresses.map(user).collect();
            let users = users.ok_or(RestError::Validation("An alternative host is not a Zoom user."))?;
            settings.alternative_hosts = users.into_iter().map(|user| user.id.clone()).collect();
        }
        Ok(settings)
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn short(text: Option<&String>, most: usize, refusal: &'static str) -> Result<Option<String>, RestError> {
    if text.is_some_and(|text| text.chars().count() > most) {
        return Err(RestError::Validation(refusal));
    }
    Ok(text.cloned())
}

/// Parses `2026-01-31T12:00:00Z`, or a time without the Z in the meeting's time zone (D). Zone names are the system's
/// (ours).
fn time(text: &str, timezone: &str) -> Result<Timestamp, RestError> {
    let local = || {
        let zone = TimeZone::get(timezone).ok()?;
        Some(text.parse::<DateTime>().ok()?.to_zoned(zone).ok()?.timestamp())
    };
    let time = text.parse().ok().or_else(local);
    time.ok_or(RestError::Validation("The start_time must look like 2026-01-31T12:00:00Z."))
}

/// A meeting as a list entry.
pub(super) fn row(meeting: &Meeting) -> Value {
    json!({
        "uuid": meeting.uuid(),
        "id": meeting.number.as_number(),
        "host_id": meeting.host_id,
        "topic": meeting.settings.topic,
        "agenda": meeting.settings.agenda,
        "type": meeting.settings.meeting_type,
        "start_time": meeting.settings.start_time,
        "duration": meeting.settings.duration,
        "timezone": meeting.settings.timezone,
        "created_at": meeting.created_at,
        "join_url": meeting.join_url(),
    })
}

/// A single meeting. Its `start_url` contains a ZAK of the host (D), as in every read at Zoom.
pub(super) fn whole(world: &mut World, number: &MeetingNumber, now: Timestamp) -> Result<Value, RestError> {
    let host = world.meetings.get(number).and_then(|meeting| world.user(&meeting.host_id)).cloned();
    let zak = host.map(|host| zak::enclose(world, &host, now)).unwrap_or_default();
    let meeting = world.meetings.get(number).ok_or_else(|| RestError::NoSuchMeeting(number.clone()))?;
    let mut shown = meeting_event::object(meeting);
    let settings = &meeting.settings;
    let emails = settings.alternative_hosts.iter().filter_map(|id| world.user(id)).map(|user| &*user.email);
    let emails = emails.collect::<Vec<_>>().join(";");
    shown["settings"] = settings_of(settings, &emails);
    shown["host_email"] = json!(world.user(&meeting.host_id).map(|host| &host.email));
    shown["agenda"] = json!(settings.agenda);
    shown["created_at"] = json!(meeting.created_at);
    shown["status"] = json!(if meeting.is_running() { "started" } else { "waiting" });
    shown["start_url"] = json!(format!("https://zoom.us/s/{number}?zak={zak}"));
    for name in ["encrypted_password", "h323_password", "pstn_password"] {
        shown[name] = json!(settings.passcode);
    }
    Ok(shown)
}

/// `settings` with all names that client libraries require (O); only some have an effect here.
fn settings_of(settings: &Settings, alternative_hosts: &str) -> Value {
    let signed_in = settings.sign_in != SignIn::None;
    json!({
        "waiting_room": settings.waiting_room,
        "join_before_host": settings.join_before_host,
        "meeting_authentication": signed_in,
        "enforce_login": signed_in,
        "enforce_login_domains": settings.domains.join(","),
        "alternative_hosts": alternative_hosts,
        "approval_type": 2,
        "audio": "both",
        "auto_recording": "none",
        "close_registration": false,
        "cn_meeting": false,
        "host_video": false,
        "in_meeting": false,
        "mute_upon_entry": false,
        "participant_video": false,
        "registrants_email_notification": true,
        "use_pmi": false,
        "watermark": false,
    })
}
