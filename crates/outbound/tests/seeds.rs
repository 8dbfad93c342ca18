//! Runs the verifiers on the fuzzer's inputs, so that what the fuzzer found stays fixed.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../../../fuzz/checks/standard_webhooks.rs"]
mod standard_webhooks;

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
fn the_seeds_of_standard_webhooks_pass() {
    each_seed_of("standard_webhooks", standard_webhooks::check);
}
