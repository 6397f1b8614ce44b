//! See `fuzz::symbols`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::symbols::run(bytes));
