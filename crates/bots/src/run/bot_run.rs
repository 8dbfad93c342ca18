//! A running bot with its parsed request.

use model::{Code, Failure};
use zoom::MeetingLink;

use super::bot_row::BotRecord;
use crate::request::BotRequest;

/// A bot, its request and its meeting.
pub(super) struct BotRun<'a> {
    pub(super) record: BotRecord<'a>,
    pub(super) request: BotRequest,
    pub(super) link: MeetingLink,
}

impl<'a> BotRun<'a> {
    /// Decrypts and parses the bot's request.
    pub(super) fn open(record: BotRecord<'a>) -> Result<Self, Failure> {
        let BotRecord { parts, bot, .. } = record;
        let request = BotRequest::open(&parts.broker.vault, bot.workspace, bot.id, &bot.request)?;
        let link = MeetingLink::parse(&request.meeting_url).map_err(|error| {
            let words = format!("the stored meeting link could not be parsed: {error}");
            Failure::new(Code::Internal, words).caused_by(error)
        })?;
        Ok(Self { record, request, link })
    }
}
