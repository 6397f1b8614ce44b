//! See `fuzz::ld_so_cache`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::ld_so_cache::run(bytes));
