use std::ops::Range;

use proptest::{collection::vec, prelude::*, sample};

use super::*;

/// A file with these entries, and the range of each.
fn written(contents: &[&[u8]]) -> (Vec<u8>, Vec<Range<usize>>) {
    let (mut file, mut places) = (Vec::new(), Vec::new());
    for content in contents {
        let begin = file.len();
        file.extend(entry(begin as u64, content));
        places.push(begin..file.len());
    }
    (file, places)
}

#[test]
fn a_torn_write_at_the_end_is_discarded_and_is_not_damage() {
    let (whole, places) = written(&[b"first", b"the last"]);
    for cut in places[1].clone() {
        // The file system may have stored the new length before all bytes were written.
        let zeros = vec![0; whole.len() - cut];
        for torn in [whole[..cut].to_vec(), [&whole[..cut], &zeros].concat()] {
            let contents = read(&torn);
            assert_eq!(contents, Contents { entries: vec![b"first"], is_damaged: false }, "cut at {cut}");
        }
    }
}

#[test]
fn a_loss_in_the_middle_is_damage_and_the_rest_is_read() {
    let (whole, places) = written(&[b"one", b"two", b"three"]);
    for byte in places[1].clone() {
        let mut file = whole.clone();
        file[byte] ^= 1;
        let contents = read(&file);
        assert_eq!(contents, Contents { entries: vec![b"one", b"three"], is_damaged: true }, "byte {byte}");
    }
}

#[test]
fn an_entry_in_another_place_is_not_read() {
    let (file, places) = written(&[b"one", b"another"]);
    assert_eq!(read(&file[places[1].clone()]).entries, [] as [&[u8]; 0]);
}

proptest! {
    #[test]
    fn written_entries_are_read(contents in vec(vec(any::<u8>(), 0..600), 0..8)) {
        let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        let (file, _) = written(&contents);
        prop_assert_eq!(read(&file), Contents { entries: contents, is_damaged: false });
    }

    #[test]
    fn no_bytes_stop_the_reader(mut bytes in vec(any::<u8>(), 0..600), marks in vec(any::<sample::Index>(), 0..8)) {
        for mark in marks {
            let at = mark.index(bytes.len() + 1).min(bytes.len().saturating_sub(MARK.len()));
            if bytes.len() >= at + MARK.len() {
                bytes[at..at + MARK.len()].copy_from_slice(&MARK);
            }
        }
        let _ = read(&bytes);
    }
}
