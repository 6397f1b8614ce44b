//! See `fuzz::elf_read`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::elf_read::run(bytes));
