//! See `fuzz::deb`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::deb::run(bytes));
