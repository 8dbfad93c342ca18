//! The fuzzer's inputs for meeting links, once more: what it found stays found.

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
