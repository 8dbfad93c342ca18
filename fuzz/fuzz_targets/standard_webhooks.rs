#![no_main]

#[path = "../checks/standard_webhooks.rs"]
mod standard_webhooks;

libfuzzer_sys::fuzz_target!(|input: &[u8]| standard_webhooks::check(input));
