//! Tokens for one join of one meeting: on behalf of a participant, and to record it.

use model::{MeetingNumber, Secret};

use crate::{ApiAccess, Label, ZoomClient, ZoomError, http::address, rest::TokenBody};

impl ZoomClient {
    /// An on-behalf-of token of `user` (`me`, or with a server-to-server grant an id or e-mail address). It can be used
    /// once, within two hours (documented): with `meeting` only there, without it in any meeting. Light.
    pub async fn obf(
        &self,
        api: ApiAccess<'_>,
        user: &str,
        meeting: Option<MeetingNumber>,
    ) -> Result<Secret, ZoomError> {
        let mut url = address(api.base, &["v2", "users", user, "token"]);
        url.query_pairs_mut().append_pair("type", "onbehalf");
        if let Some(meeting) = meeting {
            url.query_pairs_mut().append_pair("meeting_id", &meeting.to_string());
        }
        let body: TokenBody = self.fetch("obf", Label::Light, api, url).await?;
        Ok(body.token)
    }

    /// A token to record `meeting` locally without asking; it can be used once, within two minutes. Only its host's grant
    /// gets one. With `bypass_waiting_room` it also bypasses the waiting room, together with a ZAK or an OBF token
    /// (documented). Light.
    pub async fn join_token(
        &self,
        api: ApiAccess<'_>,
        meeting: MeetingNumber,
        bypass_waiting_room: bool,
    ) -> Result<Secret, ZoomError> {
        let mut url =
            address(api.base, &["v2", "meetings", &meeting.to_string(), "jointoken", "local_recording"]);
        if bypass_waiting_room {
            url.query_pairs_mut().append_pair("bypass_waiting_room", "true");
        }
        match self.fetch::<TokenBody>("join_token", Label::Light, api, url).await {
            Ok(body) => Ok(body.token),
            // Not allowed, no permission or plan, recording is disabled for the host: documented only for this call.
            Err(ZoomError::Unexpected { code: Some(200 | 300 | 3000), .. }) => {
                Err(ZoomError::NotForThisMeeting)
            }
            Err(error) => Err(error),
        }
    }
}
