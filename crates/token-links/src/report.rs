//! A platform reports that a bot has ended, or that Zoom refused its ZAK (`POST /t/<link>.<secret>/status`).
//!
//! A client that may fetch tokens may also report, with the same address and the same verification. An accepted report is
//! stored and has no effect when it is repeated, so a recorded request can't be used to drop tokens later. A repeated report
//! is not an error, because platforms repeat a report if they missed the answer.

use std::sync::Arc;

use broker::{Pools, Tokens};
use model::Failure;
use serde_json::Value;
use store::{LinkSource, TokenLink};

use crate::{
    dialects::{BotStatus, DialectRules},
    request::malformed,
};

/// Sub codes of a bot that was not admitted with its token.
const TOKEN_TROUBLE: [&str; 5] = [
    "meeting_requires_sign_in",
    "zoom_zak_rejected",
    "zoom_account_blocked",
    "zoom_token_expired",
    "zoom_obf_or_zak_required",
];

/// The content of a report about a bot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// The bot, by each name that it may have had when its token was fetched. Empty if it has not ended.
    ended: Vec<String>,
    /// Whether Zoom refused its token.
    token_refused: bool,
}

impl Report {
    /// Reads a report. Other events are ignored without an error.
    pub(crate) fn read(rules: &dyn DialectRules, body: &[u8]) -> Result<Self, Failure> {
        let body: Value = serde_json::from_slice(body).map_err(|_| malformed("the body is not JSON"))?;
        let BotStatus { code, sub_code, bot, label } = rules.status(&body);
        let failed = matches!(code, Some("fatal" | "fatal_error" | "failed"));
        let ended = failed
            || matches!(
                code,
                Some("call_ended" | "done" | "ended" | "post_processing" | "completed" | "complete")
            );
        let names = [label, bot].into_iter().flatten().map(str::to_owned);
        Ok(Self {
            ended: if ended { names.collect() } else { Vec::new() },
            token_refused: failed && sub_code.is_some_and(|sub_code| TOKEN_TROUBLE.contains(&sub_code)),
        })
    }
}

/// Processes reports.
pub(crate) struct Reports {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) pools: Arc<Pools>,
}

impl Reports {
    /// Marks refused ZAKs as suspect, and releases the seats of a bot that has ended.
    pub(crate) async fn act_on(&self, link: &TokenLink, report: &Report) -> Result<(), Failure> {
        match &link.terms.source {
            LinkSource::Accounts(accounts) if report.token_refused => {
                for account in accounts {
                    self.tokens.suspect_zaks(link.workspace, account.credential).await?;
                }
            }
            LinkSource::Pool(pool) => {
                for bot in &report.ended {
                    let freed = self.pools.release_seats(link.workspace, *pool, bot).await?;
                    tracing::info!(link = %link.id, %pool, freed, "a bot has ended, its seats are released");
                }
            }
            LinkSource::Accounts(_) | LinkSource::Host => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::Code;
    use serde_json::json;
    use store::Dialect;

    use super::*;
    use crate::dialects::rules;

    fn report(dialect: Dialect, body: &Value) -> (Vec<String>, bool) {
        let report = Report::read(rules(dialect), body.to_string().as_bytes()).unwrap();
        (report.ended, report.token_refused)
    }

    #[test]
    fn the_end_of_a_bot_is_read_in_every_dialect() {
        let of_recall = |event: &str, sub_code: &str| {
            json!({"event": event, "data": {
                "data": {"code": "", "sub_code": sub_code, "updated_at": "2026-01-01T00:00:00.000000Z"},
                "bot": {"id": "11111111-2222-3333-4444-555555555555", "metadata": {"latchkey_bot": "ours"}}}})
        };
        let names = vec!["ours".to_owned(), "11111111-2222-3333-4444-555555555555".to_owned()];
        for event in ["bot.call_ended", "bot.done", "bot.fatal"] {
            assert_eq!(report(Dialect::Recall, &of_recall(event, "")), (names.clone(), false), "{event}");
        }
        for event in ["bot.joining_call", "bot.in_call_recording", "transcript.done"] {
            assert_eq!(report(Dialect::Recall, &of_recall(event, "")), (vec![], false), "{event}");
        }
        let refused = report(Dialect::Recall, &of_recall("bot.fatal", "meeting_requires_sign_in"));
        assert_eq!(refused, (names.clone(), true));
        let ended = report(Dialect::Recall, &of_recall("bot.call_ended", "meeting_requires_sign_in"));
        assert_eq!(ended, (names, false), "only a failure makes a token suspect");

        let attendee = json!({"trigger": "bot.state_change", "bot_id": "bot_1", "bot_metadata": null,
                              "data": {"new_state": "ended", "old_state": "post_processing"}});
        assert_eq!(report(Dialect::Attendee, &attendee), (vec!["bot_1".into()], false));
        let baas =
            json!({"event": "bot.status_change", "data": {"bot_id": "b", "status": {"code": "call_ended"}}});
        assert_eq!(report(Dialect::MeetingBaas, &baas), (vec!["b".into()], false));
        let baas = json!({"event": "bot.failed", "data": {"bot_id": "b", "error_code": "X"}});
        assert_eq!(report(Dialect::MeetingBaas, &baas), (vec!["b".into()], false));
    }

    #[test]
    fn other_events_are_ignored_and_other_texts_are_refused() {
        for body in [json!({}), json!([]), json!({"event": 7}), json!({"event": "bot.done"}), json!(null)] {
            assert_eq!(report(Dialect::Recall, &body), (vec![], false), "{body}");
        }
        assert_eq!(Report::read(rules(Dialect::Recall), b"done").unwrap_err().code, Code::RequestMalformed);
    }
}
