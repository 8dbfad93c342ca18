#![no_main]

#[path = "../checks/attendee.rs"]
mod attendee;

libfuzzer_sys::fuzz_target!(|input: &[u8]| attendee::check(input));
