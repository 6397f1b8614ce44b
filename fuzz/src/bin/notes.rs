//! See `fuzz::notes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::notes::run(bytes));
