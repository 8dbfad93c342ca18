//! Frames with a meeting's settings, sent at the start of a stay and after each change.

use serde_json::json;

use super::activity::Running;
use super::captions::CaptionPolicy;
use super::event::{self, Outgoing};
use super::meeting::Meeting;
use super::settings::Settings;

impl Meeting {
    /// The settings that the socket sends (O for the names, some of them Zoom's misspellings).
    pub(super) fn settings_frames(&self) -> Vec<Outgoing> {
        let settings = &self.settings;
        let body = json!({
            "bCanUnmuteVideo": true,
            "bLock": settings.locked,
            "bAllowAttendeeRename": settings.rename_allowed,
            "chatPriviledge": settings.chat.number(),
            "NewLttAvaliable": settings.captions != CaptionPolicy::NotOffered,
        });
        let mut frames = vec![Outgoing::new(event::SETTINGS, body)];
        if settings.captions == CaptionPolicy::DisabledByHost {
            frames.push(captions_disabled(true));
        }
        if self.cloud_recording != Running::Off {
            frames.push(recording_status(self.cloud_recording));
        }
        frames
    }

    /// Sends all participants the settings again.
    pub(super) fn tell_settings(&self) {
        for frame in self.settings_frames() {
            for person in &self.participants {
                person.tell(frame.clone());
            }
        }
    }

    /// Replaces the settings; sends the SDK those that its socket carries.
    pub(crate) fn change_settings(&mut self, settings: Settings) {
        let before = std::mem::replace(&mut self.settings, settings);
        let told = |settings: &Settings| {
            (settings.locked, settings.rename_allowed, settings.chat, settings.captions)
        };
        if told(&before) == told(&self.settings) {
            return;
        }
        self.tell_settings();
        if before.captions == CaptionPolicy::DisabledByHost
            && self.settings.captions != CaptionPolicy::DisabledByHost
        {
            for person in &self.participants {
                person.tell(captions_disabled(false));
            }
        }
    }

    /// Changes the state of the cloud recording.
    pub(crate) fn record(&mut self, status: Running) {
        if self.cloud_recording == status {
            return;
        }
        self.cloud_recording = status;
        for person in self.present() {
            person.tell(recording_status(status));
        }
    }
}

fn captions_disabled(disabled: bool) -> Outgoing {
    Outgoing::new(event::CAPTIONS_DISABLED, json!({"disabled": disabled}))
}

fn recording_status(status: Running) -> Outgoing {
    let number = match status {
        Running::On => 2,
        Running::Paused => 3,
        Running::Off => 4,
    };
    Outgoing::new(event::SETTINGS, json!({"cmrServerStatus": number}))
}
