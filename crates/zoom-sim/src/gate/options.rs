//! Options of the host's account for a meeting, as step 1 sends them to the SDK.

use serde_json::{Map, Value, json};

use super::captions::CaptionPolicy;
use crate::world::user::User;

/// `meetingOptions`: the names that the SDK reads (O), with the values that an ordinary account probably has (I). What Zoom
/// really sends has not been observed. `changes` override them.
pub(crate) fn meeting_options(
    host: Option<&User>,
    captions: CaptionPolicy,
    changes: &Map<String, Value>,
) -> Value {
    let captions = captions != CaptionPolicy::NotOffered;
    let mut options = json!({
        "isChatEnabled": true,
        "isEnableChatDLP": false,
        // When this is on, the SDK redraws its gallery and speaker views endlessly (O).
        "isEnableMeetingReactions": true,
        "isEnableClosedCaption": captions,
        "isEnableManualCaptions": captions,
        "isEnableLiveTranscription": captions,
        "isEnableSaveCaptions": captions,
        "isEnableViewFullTranscript": captions,
        "isLocalRecordingEnabled": host.is_some_and(|host| host.local_recording),
        "isEnableBreakoutRoom": false,
    });
    if let Value::Object(options) = &mut options {
        options.extend(changes.clone());
    }
    options
}

/// `liveTranscription`: automatic captions (I).
pub(crate) fn live_transcription(captions: CaptionPolicy) -> Value {
    let offered = captions != CaptionPolicy::NotOffered;
    json!({"transcriptionLang": "en", "isEnableAutomatedCaptions": offered, "isEnableTranslatedCaptions": false})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_are_on_until_a_meeting_says_otherwise() {
        let told = meeting_options(None, CaptionPolicy::Allowed, &Map::new());
        assert_eq!(
            (&told["isEnableMeetingReactions"], &told["isLocalRecordingEnabled"]),
            (&json!(true), &json!(false))
        );
        let changes = json!({"isEnableMeetingReactions": false, "isEnableChatDLP": true});
        let told = meeting_options(None, CaptionPolicy::Allowed, changes.as_object().unwrap());
        assert_eq!(
            (&told["isEnableMeetingReactions"], &told["isEnableChatDLP"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(told["isChatEnabled"], true);
    }
}
