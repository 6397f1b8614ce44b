//! See `fuzz::release`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::release::run(bytes));
