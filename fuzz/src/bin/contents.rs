//! See `fuzz::contents`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::contents::run(bytes));
