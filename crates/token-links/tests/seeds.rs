//! Runs the fuzzer's inputs for the verifiers again, so that its findings don't come back.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../../../fuzz/checks/attendee.rs"]
mod attendee;

fn each_seed_of(target: &str, check: impl Fn(&[u8])) {
    let folder = format!("{}/../../fuzz/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    let seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(!seeds.is_empty(), "{folder} is empty");
    println!("shown: {} seeds of the fuzz target {target}", seeds.len());
    for seed in seeds {
        println!("{}", seed.display());
        check(&std::fs::read(&seed).unwrap());
    }
}

#[test]
fn of_attendees_canonical_json() {
    each_seed_of("attendee", attendee::check);
}
