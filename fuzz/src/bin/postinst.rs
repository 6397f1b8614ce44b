//! See `fuzz::postinst`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::postinst::run(bytes));
