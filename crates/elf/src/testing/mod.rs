//! Hand-made ELF files for tests: just enough of each for the loader's rules.

mod symbols;

pub use symbols::Symbol;

use crate::{Abi, Class, Endian, Machine};
use tree::{Content, Entry, Kind, Tree, TreePath};

/// Where the one segment of such a file lies in memory.
const BASE: u64 = 0x40_0000;

/// An ELF file to be.
#[derive(Debug, Clone)]
pub struct Elf {
    machine: Machine,
    kind: u16,
    interpreter: Option<String>,
    dynamic: bool,
    entries: Vec<(u64, Value)>,
    needs: Vec<(String, Vec<(String, bool)>)>,
    defines: Vec<String>,
    table: bool,
    note: Option<String>,
    symbols: Vec<Symbol>,
    sysv_hash: bool,
    segments: Vec<(u32, u64, Vec<u8>)>,
    tail: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Value {
    Number(u64),
    Name(String),
}

impl Elf {
    /// A position independent program for x86-64 and glibc.
    pub fn program() -> Self {
        Elf {
            machine: machine("x86_64"),
            kind: 3,
            interpreter: Some("/lib64/ld-linux-x86-64.so.2".into()),
            dynamic: true,
            entries: vec![(0x6fff_fffb, Value::Number(0x0800_0000))],
            needs: vec![],
            defines: vec![],
            table: false,
            note: None,
            symbols: vec![],
            sysv_hash: false,
            segments: vec![],
            tail: vec![],
        }
    }

    /// A shared object for x86-64; an empty soname is none.
    pub fn library(soname: &str) -> Self {
        let library = Elf { interpreter: None, entries: vec![], ..Elf::program() };
        if soname.is_empty() { library } else { library.entry(14, soname) }
    }

    /// A program for x86-64 without a loader.
    pub fn static_program() -> Self {
        Elf { kind: 2, interpreter: None, dynamic: false, entries: vec![], ..Elf::program() }
    }

    /// A loader as glibc's, with these directories built in; each ends in a slash.
    pub fn glibc_loader(soname: &str, dirs: &[&str]) -> Self {
        let strings = format!("\0{}\0\0/etc/ld.so.cache\0", dirs.join("\0"));
        Elf { tail: strings.into_bytes(), ..Elf::library(soname).defines(&["GLIBC_PRIVATE"]) }
    }

    /// A loader as musl's, which is also its libc.
    pub fn musl_loader(uname: &str) -> Self {
        let strings = format!("\0/lib:/usr/local/lib:/usr/lib\0%.*s/etc/ld-musl-{uname}.path\0");
        Elf { tail: strings.into_bytes(), ..Elf::library("libc.so") }
    }

    /// The same for the machine of this `uname -m`.
    pub fn on(self, uname: &str) -> Self {
        Elf { machine: machine(uname), ..self }
    }

    /// The same as `ET_EXEC`: at a fixed place in memory.
    pub fn fixed(self) -> Self {
        Elf { kind: 2, ..self }
    }

    /// The same with this `e_type`.
    pub fn of_type(self, kind: u16) -> Self {
        Elf { kind, ..self }
    }

    /// The same with another interpreter.
    pub fn interpreter(self, path: &str) -> Self {
        Elf { interpreter: Some(path.into()), ..self }
    }

    /// The same without an interpreter.
    pub fn no_interpreter(self) -> Self {
        Elf { interpreter: None, ..self }
    }

    /// The same, needing these libraries too.
    pub fn needs(self, names: &[&str]) -> Self {
        names.iter().fold(self, |elf, name| elf.entry(1, name))
    }

    /// The same with a `DT_FILTER`.
    pub fn filters(self, name: &str) -> Self {
        self.entry(0x7fff_ffff, name)
    }

    /// The same with a `DT_AUXILIARY`.
    pub fn auxiliary(self, name: &str) -> Self {
        self.entry(0x7fff_fffd, name)
    }

    /// The same with a `DT_RPATH`.
    pub fn rpath(self, path: &str) -> Self {
        self.entry(15, path)
    }

    /// The same with a `DT_RUNPATH`.
    pub fn runpath(self, path: &str) -> Self {
        self.entry(29, path)
    }

    /// The same with these bits as `DT_FLAGS_1`.
    pub fn flags_1(mut self, flags: u64) -> Self {
        self.entries.retain(|(tag, _)| *tag != 0x6fff_fffb);
        self.entries.push((0x6fff_fffb, Value::Number(flags)));
        self
    }

    /// The same with a number of the dynamic section.
    pub fn number(mut self, tag: u64, value: u64) -> Self {
        self.entries.push((tag, Value::Number(value)));
        self
    }

    /// The same, needing these versions of a library.
    pub fn needs_versions(self, library: &str, versions: &[&str]) -> Self {
        self.with_needs(library, versions, false)
    }

    /// The same, with weak needs of these versions of a library.
    pub fn wants_versions(self, library: &str, versions: &[&str]) -> Self {
        self.with_needs(library, versions, true)
    }

    /// The same, defining these versions.
    pub fn defines(mut self, versions: &[&str]) -> Self {
        self.table = true;
        self.defines.extend(versions.iter().map(ToString::to_string));
        self
    }

    /// The same, with versions for its symbols whether or not it defines any.
    pub fn version_table(self) -> Self {
        Elf { table: true, ..self }
    }

    /// The same with a note about libraries loaded by name.
    pub fn dlopen_note(self, json: &str) -> Self {
        Elf { note: Some(json.into()), ..self }
    }

    /// The same with one more segment of this type, alignment and content.
    pub fn segment(mut self, kind: u32, align: u64, bytes: &[u8]) -> Self {
        self.segments.push((kind, align, bytes.to_vec()));
        self
    }

    /// The same, for processors of this level of x86-64 on: 0 for all, 1 for x86-64-v2.
    pub fn isa_level(self, level: u32) -> Self {
        let words = [4, 16, 5, u32::from_le_bytes(*b"GNU\0"), 0xc000_8002, 4, 1 << level, 0];
        self.segment(0x6474_e553, 8, &words.map(u32::to_le_bytes).concat())
    }

    /// The same with one more dynamic symbol.
    pub fn symbol(mut self, symbol: Symbol) -> Self {
        self.symbols.push(symbol);
        self
    }

    /// The same, defining these symbols, as [`Symbol::defined`] says.
    pub fn exports(self, names: &[&str]) -> Self {
        names.iter().fold(self, |elf, name| elf.symbol(Symbol::defined(name)))
    }

    /// The same, needing these symbols, as [`Symbol::undefined`] says.
    pub fn imports(self, names: &[&str]) -> Self {
        names.iter().fold(self, |elf, name| elf.symbol(Symbol::undefined(name)))
    }

    /// The same, where symbols are found with the older hash table.
    pub fn sysv_hash(self) -> Self {
        Elf { sysv_hash: true, ..self }
    }

    /// The same with more bytes at its end.
    pub fn tail(mut self, bytes: &[u8]) -> Self {
        self.tail.extend(bytes);
        self
    }

    fn entry(mut self, tag: u64, name: &str) -> Self {
        self.entries.push((tag, Value::Name(name.into())));
        self
    }

    fn with_needs(mut self, library: &str, versions: &[&str], weak: bool) -> Self {
        self.table = true;
        let versions = versions.iter().map(|version| (version.to_string(), weak));
        match self.needs.iter_mut().find(|(known, _)| known == library) {
            Some((_, list)) => list.extend(versions),
            None => self.needs.push((library.into(), versions.collect())),
        }
        self
    }

    /// The bytes of the file.
    pub fn build(&self) -> Vec<u8> {
        let mut strings = vec![0];
        let mut name = |text: &str| {
            let at = strings.len() as u64;
            strings.extend(text.as_bytes());
            strings.push(0);
            at
        };
        let mut entries: Vec<(u64, u64)> = vec![];
        for (tag, value) in &self.entries {
            entries.push((
                *tag,
                match value {
                    Value::Number(number) => *number,
                    Value::Name(text) => name(text),
                },
            ));
        }
        let half = |number: u16| match self.machine.endian {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        };
        let word = |number: u32| match self.machine.endian {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        };
        let verneed = self.verneed(&mut name, half, word);
        let verdef = self.verdef(&mut name, half, word);
        let needed = self.needs.iter().flat_map(|(_, versions)| versions).map(|(version, _)| version);
        let versions: Vec<&String> = self.defines.iter().chain(needed).collect();
        let number =
            |version: &str| versions.iter().position(|known| *known == version).map_or(1, |at| at as u16 + 2);
        let tables = symbols::tables(&self.symbols, &self.machine, !self.sysv_hash, &mut name, number);

        let segments = if self.dynamic { 2 } else { 1 }
            + usize::from(self.interpreter.is_some())
            + usize::from(self.note.is_some())
            + self.segments.len();
        let mut out = Writer { bytes: vec![], machine: self.machine };
        let (header, segment) = if self.machine.class == Class::Elf64 { (64, 56) } else { (52, 32) };
        let mut at = header + segments * segment;
        let mut place = |len: usize| {
            let start = at.next_multiple_of(8);
            at = start + len;
            start as u64
        };
        let interpreter =
            self.interpreter.as_ref().map(|path| format!("{path}\0").into_bytes()).unwrap_or_default();
        let note = self.note.as_ref().map(|json| note(json, word)).unwrap_or_default();
        let interpreter_at = place(interpreter.len());
        let note_at = place(note.len());
        let strings_at = place(strings.len());
        let verneed_at = place(verneed.len());
        let verdef_at = place(verdef.len());
        let versym_at = place(tables.versions.len());
        let symbols_at = place(tables.symbols.len());
        let hash_at = place(tables.hash.len());
        let relocations_at = place(tables.relocations.len());
        entries.push((5, BASE + strings_at));
        entries.push((10, strings.len() as u64));
        for (tag, there, at) in [
            (0x6fff_fffe, !verneed.is_empty(), verneed_at),
            (0x6fff_fffc, !verdef.is_empty(), verdef_at),
            (0x6fff_fff0, self.table, versym_at),
        ] {
            if there {
                entries.push((tag, BASE + at));
            }
        }
        let is_64 = self.machine.class == Class::Elf64;
        if !self.symbols.is_empty() {
            entries.push((6, BASE + symbols_at));
            entries.push((if self.sysv_hash { 4 } else { 0x6fff_fef5 }, BASE + hash_at));
            let (tag, size) = if is_64 { (7, 8) } else { (17, 18) };
            entries.push((tag, BASE + relocations_at));
            entries.push((size, tables.relocations.len() as u64));
        }
        entries.push((0, 0));
        let number = if self.machine.class == Class::Elf64 { 8 } else { 4 };
        let dynamic_len = entries.len() * 2 * number;
        let dynamic_at = place(dynamic_len);
        let more_at: Vec<u64> = self.segments.iter().map(|(.., bytes)| place(bytes.len())).collect();
        let tail_at = place(self.tail.len());

        out.header(self.kind, segments, segment);
        out.segment(1, 4, 0, tail_at + self.tail.len() as u64);
        if self.dynamic {
            out.segment(2, 4, dynamic_at, dynamic_len as u64);
        }
        if self.interpreter.is_some() {
            out.segment(3, 4, interpreter_at, interpreter.len() as u64);
        }
        if self.note.is_some() {
            out.segment(4, 4, note_at, note.len() as u64);
        }
        for ((kind, align, bytes), at) in self.segments.iter().zip(&more_at) {
            out.segment(u64::from(*kind), *align, *at, bytes.len() as u64);
        }
        for (at, bytes) in [
            (interpreter_at, &interpreter),
            (note_at, &note),
            (strings_at, &strings),
            (verneed_at, &verneed),
            (verdef_at, &verdef),
            (versym_at, &tables.versions),
            (symbols_at, &tables.symbols),
            (hash_at, &tables.hash),
            (relocations_at, &tables.relocations),
        ] {
            out.bytes.resize(at as usize, 0);
            out.bytes.extend(bytes);
        }
        out.bytes.resize(dynamic_at as usize, 0);
        for (tag, value) in entries {
            out.number(tag);
            out.number(value);
        }
        for ((.., bytes), at) in self.segments.iter().zip(&more_at) {
            out.bytes.resize(*at as usize, 0);
            out.bytes.extend(bytes);
        }
        out.bytes.resize(tail_at as usize, 0);
        out.bytes.extend(&self.tail);
        out.bytes
    }

    fn verneed(
        &self,
        name: &mut impl FnMut(&str) -> u64,
        half: impl Fn(u16) -> [u8; 2],
        word: impl Fn(u32) -> [u8; 4],
    ) -> Vec<u8> {
        let mut bytes: Vec<u8> = vec![];
        let mut number = self.defines.len() as u16 + 2;
        for (index, (library, versions)) in self.needs.iter().enumerate() {
            let next = if index + 1 == self.needs.len() { 0 } else { 16 + 16 * versions.len() };
            bytes.extend([half(1), half(versions.len() as u16)].concat());
            bytes.extend([word(name(library) as u32), word(16), word(next as u32)].concat());
            for (index, (version, weak)) in versions.iter().enumerate() {
                let next = if index + 1 == versions.len() { 0 } else { 16 };
                bytes.extend(word(0));
                bytes.extend([half(if *weak { 2 } else { 0 }), half(number)].concat());
                number += 1;
                bytes.extend([word(name(version) as u32), word(next)].concat());
            }
        }
        bytes
    }

    fn verdef(
        &self,
        name: &mut impl FnMut(&str) -> u64,
        half: impl Fn(u16) -> [u8; 2],
        word: impl Fn(u32) -> [u8; 4],
    ) -> Vec<u8> {
        if self.defines.is_empty() {
            return vec![];
        }
        let mut bytes: Vec<u8> = vec![];
        let base = std::iter::once("base");
        for (index, version) in base.chain(self.defines.iter().map(String::as_str)).enumerate() {
            let next = if index == self.defines.len() { 0 } else { 28 };
            let flags = u16::from(index == 0);
            bytes.extend([half(1), half(flags), half(index as u16 + 1), half(1)].concat());
            bytes.extend([word(0), word(20), word(next)].concat());
            bytes.extend([word(name(version) as u32), word(0)].concat());
        }
        bytes
    }
}

/// A tree of such files, each with its path.
pub fn tree(files: &[(&str, Elf)]) -> Tree {
    let mut tree = Tree::new();
    for (path, elf) in files {
        put(&mut tree, path, elf);
    }
    tree
}

/// Puts a file into a tree, with its parents.
pub fn put(tree: &mut Tree, path: &str, elf: &Elf) {
    insert(tree, path, Entry::file(Content::bytes(elf.build(), path), 0o755));
}

/// Puts a link into a tree, with its parents.
pub fn link(tree: &mut Tree, path: &str, target: &str) {
    insert(tree, path, Entry { kind: Kind::Symlink(target.into()), ..Entry::directory(0o777) });
}

/// Puts a file of any content into a tree, with its parents.
pub fn text(tree: &mut Tree, path: &str, content: impl Into<Vec<u8>>) {
    insert(tree, path, Entry::file(Content::bytes(content, path), 0o644));
}

fn insert(tree: &mut Tree, path: &str, entry: Entry) {
    let path = TreePath::parse(path).unwrap_or_else(|_| TreePath::root());
    tree.insert(path, entry);
    tree.add_parents();
}

fn machine(uname: &str) -> Machine {
    let any = Machine::from_header(Class::Elf64, Endian::Little, 0, 0);
    Machine::from_uname(uname).unwrap_or(any)
}

fn note(json: &str, word: impl Fn(u32) -> [u8; 4]) -> Vec<u8> {
    let mut note = [word(4), word(json.len() as u32 + 1), word(0x407c_0c0a), *b"FDO\0"].concat();
    note.extend(json.as_bytes());
    note.push(0);
    note.resize(note.len().next_multiple_of(4), 0);
    note
}

struct Writer {
    bytes: Vec<u8>,
    machine: Machine,
}

impl Writer {
    fn put(&mut self, number: u64, len: usize) {
        match self.machine.endian {
            Endian::Little => self.bytes.extend(&number.to_le_bytes()[..len]),
            Endian::Big => self.bytes.extend(&number.to_be_bytes()[8 - len..]),
        }
    }

    /// A number as long as an address.
    fn number(&mut self, number: u64) {
        self.put(number, if self.machine.class == Class::Elf64 { 8 } else { 4 });
    }

    fn header(&mut self, kind: u16, segments: usize, segment: usize) {
        let is_64 = self.machine.class == Class::Elf64;
        self.bytes.extend(b"\x7fELF");
        self.bytes.extend([
            if is_64 { 2 } else { 1 },
            if self.machine.endian == Endian::Little { 1 } else { 2 },
            1,
        ]);
        self.bytes.resize(16, 0);
        self.put(kind.into(), 2);
        self.put(self.machine.machine.into(), 2);
        self.put(1, 4);
        self.number(BASE);
        self.number(if is_64 { 64 } else { 52 });
        self.number(0);
        let flags = match self.machine.abi {
            Abi::HardFloat => 0x0500_0400,
            Abi::SoftFloat => 0x0500_0200,
            Abi::FloatDouble if self.machine.machine == 243 => 5,
            Abi::FloatDouble => 3,
            Abi::ElfV1 => 1,
            Abi::ElfV2 => 2,
            _ => 0,
        };
        self.put(flags, 4);
        self.put(if is_64 { 64 } else { 52 }, 2);
        self.put(segment as u64, 2);
        self.put(segments as u64, 2);
        for _ in 0..3 {
            self.put(0, 2);
        }
    }

    fn segment(&mut self, kind: u64, align: u64, at: u64, len: u64) {
        self.put(kind, 4);
        if self.machine.class == Class::Elf64 {
            self.put(4, 4);
        }
        for number in [at, BASE + at, BASE + at, len, len] {
            self.number(number);
        }
        if self.machine.class == Class::Elf32 {
            self.put(4, 4);
        }
        self.number(align);
    }
}
