//! What the host's account allows in a meeting, as step 1 tells the SDK.

use serde_json::{Map, Value, json};

use crate::world::user::User;

/// `meetingOptions`: the names that the SDK reads (O), with the values that an ordinary account probably has (I). Nobody here
/// has seen what Zoom sends. `changes` are laid over them.
pub(crate) fn meeting_options(host: Option<&User>, changes: &Map<String, Value>) -> Value {
    let mut options = json!({
        "isChatEnabled": true,
        "isEnableChatDLP": false,
        // With it the SDK draws its gallery and speaker views anew without end (O).
        "isEnableMeetingReactions": true,
        "isEnableClosedCaption": true,
        "isEnableManualCaptions": true,
        "isEnableLiveTranscription": true,
        "isEnableSaveCaptions": true,
        "isEnableViewFullTranscript": true,
        "isLocalRecordingEnabled": host.is_some_and(|host| host.local_recording),
        "isEnableBreakoutRoom": false,
    });
    if let Value::Object(options) = &mut options {
        options.extend(changes.clone());
    }
    options
}

/// `liveTranscription`: automatic captions (I).
pub(crate) fn live_transcription() -> Value {
    json!({"transcriptionLang": "en", "isEnableAutomatedCaptions": true, "isEnableTranslatedCaptions": false})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_are_on_until_a_meeting_says_otherwise() {
        let told = meeting_options(None, &Map::new());
        assert_eq!(
            (&told["isEnableMeetingReactions"], &told["isLocalRecordingEnabled"]),
            (&json!(true), &json!(false))
        );
        let changes = json!({"isEnableMeetingReactions": false, "isEnableChatDLP": true});
        let told = meeting_options(None, changes.as_object().unwrap());
        assert_eq!(
            (&told["isEnableMeetingReactions"], &told["isEnableChatDLP"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(told["isChatEnabled"], true);
    }
}
