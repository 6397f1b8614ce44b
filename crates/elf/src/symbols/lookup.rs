//! Does a file define a symbol for somebody who needs it? The rules of the two loaders for one name
//! and one file.

use super::hash::Name;
use super::relocations::References;
use super::table::{ABSOLUTE, GLOBAL, Symbol, SymbolTable, TLS, UNDEFINED, UNIQUE, Version, WEAK};
use crate::Flavor;

/// What is looked up.
pub(crate) struct Wanted<'w> {
    pub name: &'w Name<'w>,
    pub version: Option<&'w Version>,
    pub references: References,
}

/// Would the loader take a symbol of this file?
pub(crate) fn defines(table: &SymbolTable, wanted: &Wanted<'_>, flavor: Flavor) -> bool {
    let found = match flavor {
        Flavor::Glibc => glibc(table, wanted),
        Flavor::Musl => musl(table, wanted),
    };
    found.is_some_and(|symbol| matches!(symbol.binding, GLOBAL | WEAK | UNIQUE))
}

/// `do_lookup_x` and `check_match` of glibc's `elf/dl-lookup.c`.
fn glibc(table: &SymbolTable, wanted: &Wanted<'_>) -> Option<Symbol> {
    // Symbols of other versions, for somebody who asks for none: one is taken if it is the only one.
    let mut others = vec![];
    for number in table.candidates(wanted.name) {
        let Some(symbol) = table.symbol(number) else { continue };
        let has_value = symbol.value != 0 || symbol.section == ABSOLUTE || symbol.kind == TLS;
        if !has_value || !is_definition(table, &symbol, wanted) || !is_code_or_data(&symbol, true) {
            continue;
        }
        if !table.is_named(&symbol, wanted.name.text) {
            continue;
        }
        let version = table.version_number(number).filter(|_| table.has_versions());
        let is_match = match (version, wanted.version) {
            (None, _) => true,
            (Some((number, is_hidden)), Some(wanted)) => match table.version(number) {
                Some(version) => version.name == wanted.name,
                None => !is_hidden && !wanted.is_exact,
            },
            (Some((number, is_hidden)), None) => {
                if number >= 3 && !is_hidden {
                    others.push(symbol);
                }
                number < 3
            }
        };
        if is_match {
            others = vec![symbol];
            break;
        }
    }
    let [symbol] = others[..] else { return None };
    Some(symbol).filter(|symbol| !symbol.is_hidden())
}

/// `find_sym2` of musl's `ldso/dynlink.c`, which does not look at versions but for those that are no
/// default.
fn musl(table: &SymbolTable, wanted: &Wanted<'_>) -> Option<Symbol> {
    let is_default = |number: &u32| !table.version_number(*number).is_some_and(|(_, is_hidden)| is_hidden);
    let is_named = |symbol: &Symbol| table.is_named(symbol, wanted.name.text);
    let mut symbols = table.candidates(wanted.name).filter(is_default).filter_map(|at| table.symbol(at));
    symbols.find(is_named).filter(|symbol| {
        let has_value = symbol.value != 0 || symbol.kind == TLS;
        let is_tls = symbol.section == UNDEFINED && symbol.kind == TLS;
        has_value && !is_tls && is_definition(table, symbol, wanted) && is_code_or_data(symbol, false)
    })
}

/// A symbol that is not defined may have an address all the same: that of the stub by which a program
/// calls it. It is as good as any where only the address counts.
fn is_definition(table: &SymbolTable, symbol: &Symbol, wanted: &Wanted<'_>) -> bool {
    let is_strict = wanted.references.has(References::CALLS) || wanted.references.has(References::STRICT);
    symbol.section != UNDEFINED || !(is_strict || table.is_mips && !symbol.is_mips_plt)
}

/// No type, an object, a function, a common block, a variable of each thread; and for glibc a function
/// that chooses another one.
fn is_code_or_data(symbol: &Symbol, with_indirect: bool) -> bool {
    matches!(symbol.kind, 0 | 1 | 2 | 5 | 6) || with_indirect && symbol.kind == 10
}

/// musl takes some functions of its own for those that glibc has for files of more than 2 GB: the name
/// of musl's for one of glibc's.
pub(crate) fn without_64(name: &[u8]) -> Option<&[u8]> {
    const NAMES: &str = "aio_cancel aio_error aio_fsync aio_read aio_return aio_suspend aio_write alphasort \
        creat fallocate fgetpos fopen freopen fseeko fsetpos fstat fstatat fstatfs fstatvfs ftello ftruncate \
        ftw getdents getrlimit glob globfree lio_listio lockf lseek lstat mkostemp mkostemps mkstemp \
        mkstemps mmap nftw open openat posix_fadvise posix_fallocate pread preadv prlimit pwrite pwritev \
        readdir scandir sendfile setrlimit stat statfs statvfs tmpfile truncate versionsort __fxstat \
        __fxstatat __lxstat __xstat";
    if name == b"readdir64_r" {
        return Some(b"readdir_r");
    }
    let short = name.strip_suffix(b"64")?;
    NAMES.split_ascii_whitespace().any(|known| known.as_bytes() == short).then_some(short)
}
