//! See `fuzz::packages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::packages::run(bytes));
