//! What the host's account allows in a meeting, as step 1 tells the SDK.

use serde_json::{Map, Value, json};

use super::captions::CaptionPolicy;
use crate::world::user::User;

/// `meetingOptions`: the names that the SDK reads (O), with the values that an ordinary account probably has (I). Nobody here
/// has seen what Zoom sends. `changes` are laid over them.
pub(crate) fn meeting_options(
    host: Option<&User>,
    captions: CaptionPolicy,
    changes: &Map<String, Value>,
) -> Value {
    let captions = captions != CaptionPolicy::NotOffered;
    let mut options = json!({
        "isChatEnabled": true,
        "isEnableChatDLP": false,
        // With it the SDK draws its gallery and speaker views anew without end (O).
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
