//! Segments: the journal's files of versions before December 2026, which an ended process may have left.
//!
//! A segment is a file of 4 MB that was overwritten repeatedly: each time is a *round*. Its first block of 4096 bytes has
//! a title with the number of the round; entries follow, each at the start of a block. An entry is a mark, the length of
//! its content, a hash of round, place and content, and the content. Entries of an earlier round have another hash.

use aws_lc_rs::digest::{Context, SHA256};

use crate::journal::frame::Contents;

/// The extension of a segment.
pub(crate) const EXTENSION: &str = "segment";
/// The extension of a segment that was never finished and contains no records.
pub(crate) const UNFINISHED: &str = "unfinished";

const BLOCK: usize = 4096;
const HEADER_LEN: usize = 24;
const TITLE: [u8; 16] = *b"latchkey audit 1";
const MARK: [u8; 4] = *b"\xffrec";

/// Reads a segment. A segment without a title is damaged and has no entries.
pub(crate) fn read(segment: &[u8]) -> Contents<'_> {
    let (mut entries, mut gap, mut is_damaged) = (Vec::new(), false, false);
    let Some(round) = round(segment) else { return Contents { entries, is_damaged: true } };
    let mut at = BLOCK;
    while at < segment.len() {
        if let Some(content) = entry(segment, round, at) {
            entries.push(content);
            is_damaged |= gap;
            at = (at + HEADER_LEN + content.len()).next_multiple_of(BLOCK);
        } else {
            gap = true;
            at += BLOCK;
        }
    }
    Contents { entries, is_damaged }
}

/// The round of a segment, if its title is intact.
fn round(segment: &[u8]) -> Option<u64> {
    let rest = segment.strip_prefix(&TITLE)?;
    let (round, rest) = rest.split_first_chunk::<8>()?;
    let round = u64::from_le_bytes(*round);
    rest.starts_with(&hash(round, 0, &TITLE)).then_some(round)
}

fn entry(segment: &[u8], round: u64, at: usize) -> Option<&[u8]> {
    let rest = segment.get(at..)?.strip_prefix(&MARK)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (known, rest) = rest.split_first_chunk::<16>()?;
    let content = rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    (hash(round, at, content) == *known).then_some(content)
}

fn hash(round: u64, at: usize, content: &[u8]) -> [u8; 16] {
    let mut hasher = Context::new(&SHA256);
    hasher.update(&round.to_le_bytes());
    hasher.update(&(at as u64).to_le_bytes());
    hasher.update(content);
    *hasher.finish().as_ref().first_chunk().expect("a hash is longer")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment as the older version wrote it.
    fn segment(round: u64, contents: &[&[u8]]) -> Vec<u8> {
        let mut bytes = [&TITLE[..], &round.to_le_bytes(), &hash(round, 0, &TITLE)].concat();
        bytes.resize(BLOCK, 0);
        for content in contents {
            let length = u32::try_from(content.len()).unwrap().to_le_bytes();
            let entry = [&MARK[..], &length, &hash(round, bytes.len(), content), content].concat();
            bytes.extend(entry);
            bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        }
        bytes
    }

    #[test]
    fn the_last_round_is_read() {
        let mut bytes = segment(1, &[b"old", b"older", b"oldest"]);
        let last = segment(2, &[b"new"]);
        bytes[..last.len()].copy_from_slice(&last);
        assert_eq!(read(&bytes), Contents { entries: vec![b"new"], is_damaged: false });
    }

    #[test]
    fn damage_is_detected_and_the_rest_is_read() {
        let mut bytes = segment(1, &[b"one", b"two", b"three"]);
        bytes[2 * BLOCK + HEADER_LEN] ^= 1;
        assert_eq!(read(&bytes), Contents { entries: vec![b"one", b"three"], is_damaged: true });
        bytes[0] ^= 1;
        assert_eq!(read(&bytes), Contents { entries: vec![], is_damaged: true });
        assert_eq!(read(b""), Contents { entries: vec![], is_damaged: true });
    }
}
