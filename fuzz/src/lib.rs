//! What the fuzz targets do with their bytes, and the files they start from.
//!
//! Each module is a target: `run` takes bytes and panics when something does not hold that must hold for any
//! bytes, and `seeds` are inputs worth starting from, made here or read from the machine. The programs in `bin/`
//! hand the bytes of libFuzzer to `run`.

pub mod contents;
pub mod deb;
pub mod elf_read;
pub mod ld_so_cache;
pub mod ld_so_conf;
mod machine;
pub mod notes;
pub mod packages;
pub mod postinst;
pub mod release;
pub mod shebang;
pub mod symbols;

/// Every target with its inputs to start from.
pub fn seeds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    vec![
        ("contents", contents::seeds()),
        ("deb", deb::seeds()),
        ("elf_read", elf_read::seeds()),
        ("ld_so_cache", ld_so_cache::seeds()),
        ("ld_so_conf", ld_so_conf::seeds()),
        ("notes", notes::seeds()),
        ("packages", packages::seeds()),
        ("postinst", postinst::seeds()),
        ("release", release::seeds()),
        ("shebang", shebang::seeds()),
        ("symbols", symbols::seeds()),
    ]
}
