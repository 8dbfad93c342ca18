//! Join tickets: what step 1 of a join stores for step 3.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::meeting::Meeting;
use super::options;
use crate::ids::MeetingNumber;
use crate::jwt;
use crate::world::World;

/// Lifetime of a ticket: a socket must follow its step 1 within this time (ours).
pub(crate) const LIFE: SignedDuration = SignedDuration::from_mins(2);

/// A passed step 1. One socket redeems it, by `auth` and `mid`.
#[derive(Clone, Debug)]
pub(crate) struct JoinTicket {
    pub(crate) mid: String,
    pub(crate) number: MeetingNumber,
    pub(crate) name: String,
    pub(crate) signature: String,
    pub(crate) zak: Option<String>,
    pub(crate) email: String,
    /// Has the form of a JWT; the client sends it back in 4301.
    pub(crate) sign: String,
    pub(crate) expires_at: Timestamp,
    /// Index of the join request in the history.
    pub(crate) request: usize,
}

/// The form fields that go into the answer.
pub(crate) struct Joiner<'a> {
    pub(crate) name: &'a str,
    pub(crate) email: &'a str,
    pub(crate) passcode: &'a str,
    pub(crate) signature: &'a str,
    pub(crate) zak: Option<&'a str>,
    pub(crate) tk: &'a str,
    pub(crate) host: bool,
}

/// Issues a ticket for step 3, and returns `result` of step 1's answer.
///
/// The SDK needs `invite_email`: without it the widget vanishes. Nested objects are encoded as JSON strings.
pub(crate) fn grant(
    world: &mut World,
    number: &MeetingNumber,
    joiner: &Joiner<'_>,
    request: usize,
    now: Timestamp,
) -> Value {
    let (auth, mid, tid) = (world.entropy.secret(), world.entropy.id(), world.entropy.id());
    // Not the tracking id: that is for logs, this token is for step 2.
    let rwc_token = world.entropy.secret();
    let sign = jwt::sign(&json!({"mid": mid, "mn": number}), &world.signing_key);
    world.admissions.retain(|_, admission| now < admission.expires_at);
    let admission = JoinTicket {
        mid: mid.clone(),
        number: number.clone(),
        name: joiner.name.to_owned(),
        signature: joiner.signature.to_owned(),
        zak: joiner.zak.map(str::to_owned),
        email: joiner.email.to_owned(),
        sign: sign.clone(),
        expires_at: now + LIFE,
        request,
    };
    world.admissions.insert(auth.clone(), admission);
    let meeting = world.meetings.get(number);
    let topic = meeting.map_or("", |meeting| meeting.settings.topic.as_str());
    let host = meeting.and_then(|meeting| world.user(&meeting.host_id));
    let webinar = meeting.is_some_and(|meeting| meeting.settings.webinar);
    let captions = meeting.map(|meeting| meeting.settings.captions).unwrap_or_default();
    let changes = meeting.map(|meeting| meeting.settings.options.clone()).unwrap_or_default();
    let mut result = json!({
        "meetingNumber": number,
        "mid": mid,
        "ts": now.as_millisecond().to_string(),
        "auth": auth,
        "sign": sign,
        "tid": tid,
        "track_auth": "",
        "userName": joiner.name,
        "userEmail": joiner.email,
        "passWord": joiner.passcode,
        "password": joiner.passcode,
        "accountId": meeting.map(|meeting| &meeting.account_id),
        "zak": joiner.zak.unwrap_or_default(),
        "meetingTopic": topic,
        "invite_email": meeting.map(Meeting::join_url).unwrap_or_default(),
        "encryptedRWC": json!({"rwc.zoom.us": rwc_token}).to_string(),
        "encryptedGEORWC": "[]",
        "toll_numbers_json": "[]",
        "call_out_country_json": "[]",
        "wcXMPPConfig": "{}",
        "meetingOptions": options::meeting_options(host, captions, &changes).to_string(),
        "liveTranscription": options::live_transcription(captions).to_string(),
        "meetingInfo": "{}",
        "can_recording": "0",
        "support_call_out": "0",
        "isWebinar": if webinar { "1" } else { "0" },
        // The SDK sends this `tk`, and not its page's, in 4301 (O).
        "tk": joiner.tk,
        "optionAudioType": "voip",
        "userRole": 0,
    });
    if joiner.host {
        result["isOriginHost"] = json!("true");
    }
    result
}
