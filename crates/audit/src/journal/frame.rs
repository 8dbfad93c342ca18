//! The format of an entry in a journal file. Entries follow one another:
//!
//! | bytes | |
//! |--:|---|
//! | 4 | [`MARK`] |
//! | 4 | the length of the content, little-endian |
//! | 16 | a hash of the entry's place in the file and of its content |
//! | | the content |
//!
//! An entry is on the disk before its callers are answered and before the next entry is written. So a torn entry at the end
//! is discarded: no caller was answered. An entry *after* an unreadable one shows that the disk lost data.

use aws_lc_rs::digest::{Context, SHA256};

/// The length of the header before an entry's content.
const HEADER_LEN: usize = 24;
/// No text contains the first byte, so nothing in a record looks like the start of an entry.
const MARK: [u8; 4] = *b"\xffrec";

/// An entry with this content, for this place in the file.
pub(crate) fn entry(place: u64, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a batch is far smaller than 4 GB");
    let mut bytes = Vec::with_capacity(HEADER_LEN + content.len());
    bytes.extend(MARK);
    bytes.extend(length.to_le_bytes());
    bytes.extend(hash(place, content));
    bytes.extend(content);
    bytes
}

/// The content of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents<'f> {
    /// The content of each entry, in order.
    pub(crate) entries: Vec<&'f [u8]>,
    /// Whether there was unreadable data between them.
    pub(crate) is_damaged: bool,
}

/// Reads a file of the journal.
pub(crate) fn read(file: &[u8]) -> Contents<'_> {
    let (mut entries, mut at, mut gap, mut is_damaged) = (Vec::new(), 0, false, false);
    while at < file.len() {
        if let Some(content) = entry_at(file, at) {
            entries.push(content);
            is_damaged |= gap;
            at += HEADER_LEN + content.len();
        } else {
            gap = true;
            // Skips to the next mark.
            at += 1;
            at += file[at..].windows(MARK.len()).position(|bytes| bytes == MARK).unwrap_or(file.len() - at);
        }
    }
    Contents { entries, is_damaged }
}

fn entry_at(file: &[u8], at: usize) -> Option<&[u8]> {
    let rest = file.get(at..)?.strip_prefix(&MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (known, rest) = rest.split_first_chunk::<16>()?;
    let content = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    (hash(at as u64, content) == *known).then_some(content)
}

fn hash(place: u64, content: &[u8]) -> [u8; 16] {
    let mut hasher = Context::new(&SHA256);
    hasher.update(&place.to_le_bytes());
    hasher.update(content);
    *hasher.finish().as_ref().first_chunk().expect("a hash is longer")
}

#[cfg(test)]
mod tests;
