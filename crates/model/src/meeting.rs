//! Zoom's meeting numbers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The number of a meeting: 9 to 11 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeetingNumber(u64);

/// The text or number is not a meeting number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAMeetingNumber;

impl MeetingNumber {
    /// As a number, for databases and JSON.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// For databases, whose integers are signed.
    pub const fn as_i64(self) -> i64 {
        self.0.cast_signed()
    }
}

impl TryFrom<i64> for MeetingNumber {
    type Error = NotAMeetingNumber;
    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let number = u64::try_from(number).map_err(|_| NotAMeetingNumber)?;
        if (100_000_000..100_000_000_000).contains(&number) {
            Ok(Self(number))
        } else {
            Err(NotAMeetingNumber)
        }
    }
}

impl FromStr for MeetingNumber {
    type Err = NotAMeetingNumber;

    /// Digits as people write them: `123 4567 8901`, `123-4567-8901`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        // A leading hyphen would be a minus sign.
        let written = !text.starts_with('-')
            && (9..=11).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = written.then(|| digits.parse::<i64>().ok()).flatten().ok_or(NotAMeetingNumber)?;
        Self::try_from(number)
    }
}

impl fmt::Display for MeetingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for NotAMeetingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a meeting number has 9 to 11 digits")
    }
}

impl std::error::Error for NotAMeetingNumber {}

/// The state of the list of an account's meetings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeetingSyncStatus {
    /// They have not been listed yet.
    NotStarted,
    /// They are being listed, or a caller has requested a list.
    InProgress,
    /// All were listed.
    Completed,
    /// The last attempt failed; the account's log says why.
    Failed,
}

impl MeetingSyncStatus {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::NotStarted, Self::InProgress, Self::Completed, Self::Failed];

    /// The word in answers and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for MeetingSyncStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|status| status.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is not a state of a meeting sync"))
    }
}

#[cfg(test)]
mod tests {
    use super::MeetingNumber;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for text in ["12345678901", "123 4567 8901", "123-4567-8901"] {
            assert_eq!(text.parse::<MeetingNumber>().unwrap().to_string(), "12345678901", "{text}");
        }
        for text in ["", "12345678", "123456789012", "012345678", "12345678x9", "-123456789", "١٢٣٤٥٦٧٨٩"]
        {
            assert!(text.parse::<MeetingNumber>().is_err(), "{text}");
        }
    }
}
