#![no_main]

#[path = "../checks/meeting_link.rs"]
mod meeting_link;

libfuzzer_sys::fuzz_target!(|input: &[u8]| meeting_link::check(input));
