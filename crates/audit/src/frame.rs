//! How entries lie in a segment of the journal.
//!
//! A segment is a file of fixed length, which is written from its start to its end, and then, once the store has all of
//! that, from its start again: each time is a *round*. Its first block says which round it is in. Then follow entries:
//!
//! | bytes | |
//! |--:|---|
//! | 4 | [`MARK`] |
//! | 4 | how long the content is |
//! | 16 | a hash of the round, of the entry's place and of the content |
//! | | the content, and nothing of meaning up to the end of its last [`BLOCK`] |
//!
//! So what an earlier round left is no entry, and neither is half of one. Whoever was to be given a token on an entry waits
//! until it is whole on the disk, and only then comes the next: what is broken and has nothing after it was nobody's, but
//! an entry *behind* something broken says that the disk has lost what it had promised to keep. Each entry has its blocks
//! for itself: a write that goes wrong harms no other.

use aws_lc_rs::digest::{Context, SHA256};

/// What a disk writes at least.
pub(super) const BLOCK: usize = 4096;
/// Where the first entry begins.
pub(super) const START: usize = BLOCK;
/// What stands in front of an entry's content.
pub(super) const FRONT: usize = 24;

const TITLE: [u8; 16] = *b"latchkey audit 1";
/// No text has such a byte, so nothing that a stranger says of himself looks like an entry.
const MARK: [u8; 4] = *b"\xffrec";

/// The first bytes of a segment that is in this round.
pub(super) fn title(round: u64) -> Vec<u8> {
    let mut bytes = TITLE.to_vec();
    bytes.extend(round.to_le_bytes());
    bytes.extend(hash(round, 0, &TITLE));
    bytes
}

/// Fills in what stands in front of an entry's content, for which `entry` begins with [`FRONT`] bytes.
pub(super) fn seal(entry: &mut [u8], round: u64, at: usize) {
    let (front, content) = entry.split_at_mut(FRONT);
    let length = u32::try_from(content.len()).expect("shorter than a segment");
    front[..4].copy_from_slice(&MARK);
    front[4..8].copy_from_slice(&length.to_le_bytes());
    front[8..].copy_from_slice(&hash(round, at, content));
}

/// Where the entry after this one begins.
pub(super) const fn after(at: usize, entry: usize) -> usize {
    (at + entry).next_multiple_of(BLOCK)
}

/// What is in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents<'s> {
    /// The content of each entry of its round, in order.
    pub(super) entries: Vec<&'s [u8]>,
    /// Whether there was something between them that cannot be read.
    pub(super) damaged: bool,
}

/// Reads a segment; `None`: it is not one, or its first block cannot be read.
pub(super) fn read(segment: &[u8]) -> Option<Contents<'_>> {
    let round = segment.get(TITLE.len()..TITLE.len() + 8)?;
    let round = u64::from_le_bytes(round.try_into().ok()?);
    if !segment.starts_with(&title(round)) {
        return None;
    }
    let (mut entries, mut at, mut gap, mut damaged) = (Vec::new(), START, false, false);
    while at < segment.len() {
        if let Some(content) = entry(segment, round, at) {
            entries.push(content);
            damaged |= gap;
            at = after(at, FRONT + content.len());
        } else {
            gap = true;
            at += BLOCK;
        }
    }
    Some(Contents { entries, damaged })
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
mod tests;
