use proptest::{collection::vec, prelude::*};

use super::*;

/// A segment, written as its owner does.
struct SegmentImage {
    bytes: Vec<u8>,
    round: u64,
    at: usize,
}

impl SegmentImage {
    fn new(length: usize) -> Self {
        let mut image = Self { bytes: vec![0; START + length], round: 0, at: START };
        image.rewind();
        image
    }

    fn rewind(&mut self) {
        (self.round, self.at) = (self.round + 1, START);
        let title = title(self.round);
        self.bytes[..title.len()].copy_from_slice(&title);
    }

    /// Writes an entry; where it lies.
    fn write(&mut self, content: &[u8]) -> std::ops::Range<usize> {
        let mut entry = [&[0; FRONT], content].concat();
        seal(&mut entry, self.round, self.at);
        let place = self.at..self.at + entry.len();
        self.bytes[place.clone()].copy_from_slice(&entry);
        self.at = after(self.at, entry.len());
        place
    }

    fn entries(&self) -> Vec<&[u8]> {
        let contents = read(&self.bytes).unwrap();
        assert!(!contents.damaged);
        contents.entries
    }
}

#[test]
fn a_write_that_was_torn_at_any_byte_is_no_entry_and_no_damage() {
    let mut image = SegmentImage::new(16 * BLOCK);
    image.write(b"one of a round that is over");
    image.write(b"another, longer than those to come, and with an end that shows behind them");
    image.rewind();
    image.write(b"first");
    let before = image.bytes.clone();
    let last = image.write(b"the last");
    let whole = image.bytes.clone();
    for cut in last.clone() {
        // The disk may write any part of it first.
        for (head, tail) in [(&whole, &before), (&before, &whole)] {
            image.bytes = before.clone();
            image.bytes[last.start..cut].copy_from_slice(&head[last.start..cut]);
            image.bytes[cut..last.end].copy_from_slice(&tail[cut..last.end]);
            let complete = image.bytes == whole;
            let expected: &[&[u8]] = if complete { &[b"first", b"the last"] } else { &[b"first"] };
            assert_eq!(image.entries(), expected, "cut at {cut}");
        }
    }
}

#[test]
fn what_an_earlier_round_left_is_not_read() {
    let mut image = SegmentImage::new(16 * BLOCK);
    for _ in 0..10 {
        image.write(b"of the first round");
    }
    image.rewind();
    assert!(image.entries().is_empty());
    // As long as those before: the next of them begins exactly where this one ends.
    image.write(b"of the other round");
    assert_eq!(image.entries(), [b"of the other round"]);
}

#[test]
fn a_loss_in_the_middle_shows_and_the_rest_is_read() {
    let mut image = SegmentImage::new(16 * BLOCK);
    image.write(b"one");
    let second = image.write(b"two");
    image.write(b"three");
    let whole = image.bytes.clone();
    for byte in second {
        image.bytes = whole.clone();
        image.bytes[byte] ^= 1;
        let contents = read(&image.bytes).unwrap();
        assert_eq!(contents, Contents { entries: vec![b"one", b"three"], damaged: true }, "byte {byte}");
    }
}

#[test]
fn a_segment_without_its_first_block_is_none() {
    let mut image = SegmentImage::new(BLOCK);
    for byte in 0..title(1).len() {
        image.bytes[byte] ^= 1;
        assert_eq!(read(&image.bytes), None, "byte {byte}");
        image.bytes[byte] ^= 1;
    }
    assert!(image.entries().is_empty());
    assert_eq!(read(b""), None);
}

proptest! {
    #[test]
    fn what_the_last_round_wrote_is_read(rounds in vec(vec(vec(any::<u8>(), 0..2 * BLOCK), 0..8), 1..4)) {
        let mut image = SegmentImage::new(24 * BLOCK);
        for round in &rounds {
            image.rewind();
            for content in round {
                image.write(content);
            }
        }
        prop_assert_eq!(image.entries(), rounds[rounds.len() - 1].iter().collect::<Vec<_>>());
    }

    #[test]
    fn nothing_that_is_read_makes_it_stumble(mut bytes in vec(any::<u8>(), 0..3 * BLOCK), titled: bool) {
        let title = title(1);
        if titled && bytes.len() >= title.len() {
            bytes[..title.len()].copy_from_slice(&title);
        }
        let _ = read(&bytes);
    }
}
