//! Runs the fuzzer's inputs for meeting links again, so that its findings don't come back.

#[path = "../../../fuzz/checks/meeting_link.rs"]
mod meeting_link;

#[test]
fn of_meeting_links() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/meeting_link");
    let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(!seeds.is_empty(), "{folder} is empty");
    println!("shown: {} seeds of the fuzz target meeting_link", seeds.len());
    for seed in seeds {
        println!("{}", seed.display());
        meeting_link::check(&std::fs::read(&seed).unwrap());
    }
}

proptest::proptest! {
    /// The fuzzer does this for longer: words of the dictionary and others, in any order.
    #[test]
    fn of_meeting_links_in_pieces(pieces in proptest::collection::vec(piece(), 1..12)) {
        meeting_link::check(pieces.concat().as_bytes());
    }
}

fn piece() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let words = include_str!("../../../fuzz/dictionaries/meeting_link")
        .lines()
        .map(|line| line.trim_matches('"').replace("\\x0a", "\n").replace("\\xe2\\x80\\x8b", "\u{200b}"));
    let words: Vec<_> = words.chain(["https://zoom.us/j/81234567890".into(), "?pwd=a".into()]).collect();
    prop_oneof![3 => prop::sample::select(words), 1 => "[ -~]{0,4}", 1 => "\\PC{0,2}"]
}
