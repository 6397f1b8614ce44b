//! Reads what the loader reads of an ELF file, and no more of the file than that.

use crate::versions::Tables;
use crate::window::{Strings, Window, ctx, text};
use crate::{Class, ElfError, Endian, Facts, Kind, Machine, notes};
use goblin::container::Ctx;
use goblin::elf::dynamic::{
    DF_1_NODEFLIB, DF_1_PIE, DT_FLAGS_1, DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB,
    DT_VERDEF, DT_VERNEED, DT_VERSYM, Dynamic,
};
use goblin::elf::header::{self as eh, Header};
use goblin::elf::program_header::{PT_DYNAMIC, PT_INTERP, PT_LOAD};
use goblin::elf::section_header::SHT_NOBITS;
use goblin::elf::{Elf, ProgramHeader, SectionHeader};
use tree::Content;

const DT_AUXILIARY: u64 = 0x7fff_fffd;
const DT_FILTER: u64 = 0x7fff_ffff;

/// The largest table of program headers that Linux loads, in bytes.
const MAX_SEGMENT_TABLE: usize = 1 << 16;
/// The largest dynamic section that is read, in bytes.
const MAX_DYNAMIC: u64 = 1 << 18;
/// The longest interpreter name that Linux takes, in bytes.
const MAX_INTERPRETER: u64 = 4096;
/// The largest table of section headers that is looked through, in bytes.
const MAX_SECTION_TABLE: usize = 1 << 22;

/// Reads the facts of a file; none if it is no ELF file.
///
/// Only the headers, the dynamic section and what it points to are read. Section headers do not
/// matter: a file may have none.
///
/// # Errors
/// When the content cannot be read, or starts as an ELF file and then makes no sense.
pub fn read(content: &Content) -> Result<Option<Facts>, ElfError> {
    let magic = eh::ELFMAG.len();
    if content.size() < magic as u64 {
        return Ok(None);
    }
    let mut file = Window::open(content)?;
    if file.get(0, magic, "its header")? != eh::ELFMAG {
        return Ok(None);
    }
    let (header, machine) = read_header(&mut file)?;
    match header.e_type {
        eh::ET_EXEC | eh::ET_DYN => {}
        eh::ET_REL => return Ok(Some(Facts::bare(machine, Kind::Other("an object file")))),
        eh::ET_CORE => return Ok(Some(Facts::bare(machine, Kind::Other("a core dump")))),
        _ => return Ok(Some(Facts::bare(machine, Kind::Other("an ELF file of an unknown type")))),
    }
    let ctx = ctx(machine.class, machine.endian);
    let segments = read_segments(&mut file, &header, ctx)?;
    match read_image(&mut file, &header, &segments, machine, ctx) {
        // A file of debug information keeps the program headers of the file it was taken from.
        result if is_debug(&mut file, &header, &segments, ctx, result.is_err()) => {
            drop(result);
            Ok(Some(Facts::bare(machine, Kind::Other("debug information"))))
        }
        result => result.map(Some),
    }
}

fn read_header(file: &mut Window<'_>) -> Result<(Header, Machine), ElfError> {
    let ident = file.get(0, eh::SIZEOF_IDENT, "its header")?;
    let (class, size) = match ident.get(eh::EI_CLASS) {
        Some(&eh::ELFCLASS32) => (Class::Elf32, eh::header32::SIZEOF_EHDR),
        Some(&eh::ELFCLASS64) => (Class::Elf64, eh::header64::SIZEOF_EHDR),
        _ => return Err(file.damaged("it is neither of 32 nor of 64 bits")),
    };
    let endian = match ident.get(eh::EI_DATA) {
        Some(&eh::ELFDATA2LSB) => Endian::Little,
        Some(&eh::ELFDATA2MSB) => Endian::Big,
        _ => return Err(file.damaged("it has no byte order")),
    };
    let header = Elf::parse_header(file.get(0, size, "its header")?);
    let header = header.map_err(|error| file.damaged(error.to_string()))?;
    let machine = Machine::from_header(class, endian, header.e_machine, header.e_flags);
    Ok((header, machine))
}

fn read_segments(file: &mut Window<'_>, header: &Header, ctx: Ctx) -> Result<Vec<ProgramHeader>, ElfError> {
    let (count, size) = (usize::from(header.e_phnum), ProgramHeader::size(ctx));
    if count == 0 {
        return Ok(vec![]);
    }
    if usize::from(header.e_phentsize) != size {
        return Err(file.damaged(format!("its program headers are not of {size} bytes")));
    }
    if count * size > MAX_SEGMENT_TABLE {
        return Err(file.damaged(format!("{count} program headers are more than Linux loads")));
    }
    let bytes = file.get(header.e_phoff, count * size, "its program headers")?;
    let segments = ProgramHeader::parse(bytes, 0, count, ctx);
    segments.map_err(|error| file.damaged(error.to_string()))
}

fn read_image(
    file: &mut Window<'_>,
    header: &Header,
    segments: &[ProgramHeader],
    machine: Machine,
    ctx: Ctx,
) -> Result<Facts, ElfError> {
    let mut facts = Facts::bare(machine, Kind::SharedObject);
    let find = |kind| segments.iter().find(|segment| segment.p_type == kind);
    if let Some(segment) = find(PT_INTERP) {
        facts.interpreter = Some(read_interpreter(file, segment)?);
    }
    let dynamic = find(PT_DYNAMIC);
    if let Some(segment) = dynamic {
        read_dynamic(file, segments, segment, ctx, &mut facts)?;
    }
    notes::read_notes(file, segments, ctx, &mut facts);
    facts.kind = match (&facts.interpreter, header.e_type) {
        (Some(_), eh::ET_DYN) if facts.soname.is_some() && !facts.is_pie => Kind::SharedObject,
        (Some(_), _) => Kind::Executable,
        _ if find(PT_LOAD).is_none() => Kind::Other("an ELF file with nothing to load"),
        (None, eh::ET_EXEC) => Kind::StaticExecutable,
        (None, _) if dynamic.is_some() && facts.is_pie && facts.needed.is_empty() => Kind::StaticExecutable,
        (None, _) if dynamic.is_some() => Kind::SharedObject,
        (None, _) if header.e_entry != 0 => Kind::StaticExecutable,
        (None, _) => Kind::Other("an ELF file without a dynamic section"),
    };
    Ok(facts)
}

fn read_interpreter(file: &mut Window<'_>, segment: &ProgramHeader) -> Result<String, ElfError> {
    if segment.p_filesz > MAX_INTERPRETER {
        return Err(file.damaged("the name of its interpreter is longer than a path may be"));
    }
    let size = usize::try_from(segment.p_filesz).unwrap_or(0);
    let bytes = file.get(segment.p_offset, size, "the name of its interpreter")?.to_vec();
    match bytes.iter().position(|byte| *byte == 0) {
        Some(0) => Err(file.damaged("the name of its interpreter is empty")),
        Some(len) => text(file, &bytes[..len], "the name of its interpreter"),
        None => Err(file.damaged("the name of its interpreter has no end")),
    }
}

fn read_dynamic(
    file: &mut Window<'_>,
    segments: &[ProgramHeader],
    segment: &ProgramHeader,
    ctx: Ctx,
    facts: &mut Facts,
) -> Result<(), ElfError> {
    if segment.p_filesz > MAX_DYNAMIC {
        return Err(file.damaged(format!("its dynamic section has more than {MAX_DYNAMIC} bytes")));
    }
    let size = usize::try_from(segment.p_filesz).unwrap_or(0);
    let bytes = file.get(segment.p_offset, size, "its dynamic section")?;
    let alone = ProgramHeader { p_type: PT_DYNAMIC, p_filesz: segment.p_filesz, ..ProgramHeader::default() };
    let dynamic = Dynamic::parse(bytes, &[alone], ctx).map_err(|error| file.damaged(error.to_string()))?;
    let entries = dynamic.map(|dynamic| dynamic.dyns).unwrap_or_default();
    let all = |tag| entries.iter().filter(move |entry| entry.d_tag == tag).map(|entry| entry.d_val);
    // Of entries that should be there once, the loader takes the last.
    let last = |tag| all(tag).next_back();

    let flags = last(DT_FLAGS_1).unwrap_or(0);
    facts.nodeflib = flags & DF_1_NODEFLIB != 0;
    facts.is_pie = flags & DF_1_PIE != 0;
    facts.has_version_table = last(DT_VERSYM).is_some();
    let Some(strings) = last(DT_STRTAB) else {
        if entries.iter().any(|entry| matches!(entry.d_tag, DT_NEEDED | DT_SONAME)) {
            return Err(file.damaged("its dynamic section has no string table"));
        }
        return Ok(());
    };
    let strings = Strings::open(file, segments, strings, last(DT_STRSZ).unwrap_or(0))?;
    for (tag, names, what) in [
        (DT_NEEDED, &mut facts.needed, "the name of a needed library"),
        (DT_FILTER, &mut facts.filters, "the name of a filtered library"),
        (DT_AUXILIARY, &mut facts.auxiliaries, "the name of an auxiliary library"),
    ] {
        for offset in all(tag) {
            names.push(strings.name(file, offset, what)?);
        }
    }
    let mut single = |tag, what| last(tag).map(|at| strings.name(file, at, what)).transpose();
    facts.soname = single(DT_SONAME, "its soname")?;
    facts.rpath = single(DT_RPATH, "its RPATH")?.map(|path| split(&path)).unwrap_or_default();
    facts.runpath = single(DT_RUNPATH, "its RUNPATH")?.map(|path| split(&path));

    let mut tables = Tables { file, segments, strings: &strings, endian: facts.machine.endian };
    if let Some(at) = last(DT_VERNEED) {
        facts.version_needs = tables.needs(at)?;
    }
    if let Some(at) = last(DT_VERDEF) {
        facts.version_definitions = tables.definitions(at)?;
    }
    Ok(())
}

/// The directories of a search path. An empty path has none; an empty directory between colons is
/// the working directory, and is kept to be told.
fn split(path: &str) -> Vec<String> {
    if path.is_empty() { vec![] } else { path.split(':').map(String::from).collect() }
}

/// Is this a file of debug information, of which only the headers were kept? Its program headers are
/// those of the original, and its sections say that the code has no bytes. It is only looked for if
/// segments have no bytes, or with `suspect`: if the file made no sense otherwise.
fn is_debug(
    file: &mut Window<'_>,
    header: &Header,
    segments: &[ProgramHeader],
    ctx: Ctx,
    suspect: bool,
) -> bool {
    let is_kept = |segment: &&ProgramHeader| {
        matches!(segment.p_type, PT_DYNAMIC | PT_INTERP)
            || (segment.p_type == PT_LOAD && segment.is_executable())
    };
    let is_hollow = |segment: &ProgramHeader| segment.p_filesz == 0 && segment.p_memsz != 0;
    if !suspect && !segments.iter().filter(is_kept).any(is_hollow) {
        return false;
    }
    let (count, size) = (usize::from(header.e_shnum), SectionHeader::size(ctx));
    if count == 0 || count * size > MAX_SECTION_TABLE || usize::from(header.e_shentsize) != size {
        return false;
    }
    let Ok(bytes) = file.get(header.e_shoff, count * size, "its section headers") else { return false };
    let Ok(sections) = SectionHeader::parse_from(bytes, 0, count, ctx) else { return false };
    sections.iter().any(|section| section.sh_type == SHT_NOBITS && section.is_executable())
}
