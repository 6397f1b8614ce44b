//! Reads what the loader reads of an ELF file, and no more of the file than that.

use crate::image::{Entries, Image};
use crate::versions::Tables;
use crate::window::{Strings, Window, text};
use crate::{ElfError, Endian, Facts, Kind, MipsFloat, notes};
use goblin::elf::dynamic::{
    DF_1_NODEFLIB, DF_1_PIE, DT_FLAGS_1, DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB,
    DT_VERDEF, DT_VERNEED, DT_VERSYM,
};
use goblin::elf::header::{self as eh, ELFOSABI_ARM_AEABI, ELFOSABI_GNU, ELFOSABI_NONE, Header};
use goblin::elf::program_header::{PT_DYNAMIC, PT_INTERP, PT_LOAD};
use goblin::elf::section_header::SHT_NOBITS;
use goblin::elf::{ProgramHeader, SectionHeader};
use tree::Content;

const DT_AUXILIARY: u64 = 0x7fff_fffd;
const DT_FILTER: u64 = 0x7fff_ffff;
const PT_MIPS_ABIFLAGS: u32 = 0x7000_0003;

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
    let Some(mut image) = Image::open(content)? else { return Ok(None) };
    let other = |word| Ok(Some(Facts::bare(image.machine, Kind::Other(word))));
    match image.header.e_type {
        // Compilers that keep their code in ELF files for themselves write none: Guile does.
        _ if image.machine.machine == eh::EM_NONE => return other("an ELF file for no machine"),
        eh::ET_EXEC | eh::ET_DYN => {}
        eh::ET_REL => return other("an object file"),
        eh::ET_CORE => return other("a core dump"),
        _ => return other("an ELF file of an unknown type"),
    }
    match read_image(&mut image) {
        // A file of debug information keeps the program headers of the file it was taken from.
        result if is_debug(&mut image, result.is_err()) => {
            drop(result);
            Ok(Some(Facts::bare(image.machine, Kind::Other("debug information"))))
        }
        result => result.map(Some),
    }
}

fn read_image(image: &mut Image<'_>) -> Result<Facts, ElfError> {
    let mut facts = Facts::bare(image.machine, Kind::SharedObject);
    facts.refused = refusal(&image.header);
    let mips_flags = image.segment(PT_MIPS_ABIFLAGS).filter(|_| image.header.e_machine == eh::EM_MIPS);
    if let Some(segment) = mips_flags.cloned() {
        facts.machine.float = read_mips_float(&mut image.file, &segment, facts.machine.endian)?;
    }
    if let Some(segment) = image.segment(PT_INTERP).cloned() {
        facts.interpreter = Some(read_interpreter(&mut image.file, &segment)?);
    }
    // Notes stand beside the headers, which were just read.
    notes::read_notes(&mut image.file, &image.segments, image.ctx, &mut facts);
    if let Some(entries) = image.entries()? {
        read_dynamic(image, &entries, &mut facts)?;
    }
    let is_dynamic = image.segment(PT_DYNAMIC).is_some();
    facts.kind = match (&facts.interpreter, image.header.e_type) {
        (Some(_), eh::ET_DYN) if facts.soname.is_some() && !facts.is_pie => Kind::SharedObject,
        (Some(_), _) => Kind::Executable,
        _ if image.segment(PT_LOAD).is_none() => Kind::Other("an ELF file with nothing to load"),
        (None, eh::ET_EXEC) => Kind::StaticExecutable,
        (None, _) if is_dynamic && facts.is_pie && facts.needed.is_empty() => Kind::StaticExecutable,
        (None, _) if is_dynamic => Kind::SharedObject,
        (None, _) if image.header.e_entry != 0 => Kind::StaticExecutable,
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

fn read_dynamic(image: &mut Image<'_>, entries: &Entries, facts: &mut Facts) -> Result<(), ElfError> {
    let (file, segments) = (&mut image.file, &image.segments[..]);
    let flags = entries.last(DT_FLAGS_1).unwrap_or(0);
    facts.nodeflib = flags & DF_1_NODEFLIB != 0;
    facts.is_pie = flags & DF_1_PIE != 0;
    facts.has_version_table = entries.last(DT_VERSYM).is_some();
    let Some(strings) = entries.last(DT_STRTAB) else {
        if [DT_NEEDED, DT_SONAME].iter().any(|tag| entries.last(*tag).is_some()) {
            return Err(file.damaged("its dynamic section has no string table"));
        }
        return Ok(());
    };
    let strings = Strings::open(file, segments, strings, entries.last(DT_STRSZ).unwrap_or(0))?;
    for (tag, names, what) in [
        (DT_NEEDED, &mut facts.needed, "the name of a needed library"),
        (DT_FILTER, &mut facts.filters, "the name of a filtered library"),
        (DT_AUXILIARY, &mut facts.auxiliaries, "the name of an auxiliary library"),
    ] {
        for offset in entries.all(tag) {
            names.push(strings.name(file, offset, what)?);
        }
    }
    let mut single = |tag, what| entries.last(tag).map(|at| strings.name(file, at, what)).transpose();
    facts.soname = single(DT_SONAME, "its soname")?;
    facts.rpath = single(DT_RPATH, "its RPATH")?.map(|path| split(&path)).unwrap_or_default();
    facts.runpath = single(DT_RUNPATH, "its RUNPATH")?.map(|path| split(&path));

    let mut tables = Tables { file, segments, strings: &strings, endian: facts.machine.endian };
    if let Some(at) = entries.last(DT_VERNEED) {
        facts.version_needs = tables.needs(at)?.into_iter().map(|(_, need)| need).collect();
    }
    if let Some(at) = entries.last(DT_VERDEF) {
        facts.version_definitions = tables.definitions(at)?.into_iter().map(|(_, name)| name).collect();
    }
    Ok(())
}

/// The checks of `open_verify` in glibc's `elf/dl-load.c`, but for those that are about the machine.
fn refusal(header: &Header) -> Option<&'static str> {
    let (abi, version) = (header.e_ident[eh::EI_OSABI], header.e_ident[eh::EI_ABIVERSION]);
    let newest = if header.e_machine == eh::EM_MIPS { 6 } else { 3 };
    let is_known = match abi {
        ELFOSABI_NONE if header.e_machine == eh::EM_MIPS => version < 6,
        ELFOSABI_GNU => version <= newest,
        _ => version == 0,
    };
    if header.e_ident[eh::EI_VERSION] != 1 || header.e_version != 1 {
        Some("its header is of a version that no loader knows")
    } else if !matches!(
        (abi, header.e_machine),
        (ELFOSABI_NONE | ELFOSABI_GNU, _) | (ELFOSABI_ARM_AEABI, eh::EM_ARM)
    ) {
        Some("its header says that it is for another system than Linux")
    } else if !is_known {
        Some("its header says that it needs a newer loader")
    } else if header.e_ident[eh::EI_ABIVERSION + 1..].iter().any(|byte| *byte != 0) {
        Some("its header has something where nothing should be")
    } else {
        None
    }
}

/// What floating point units a file for MIPS runs with, as its `.MIPS.abiflags` say.
fn read_mips_float(
    file: &mut Window<'_>,
    segment: &ProgramHeader,
    endian: Endian,
) -> Result<MipsFloat, ElfError> {
    const SIZE: usize = 24;
    let flags = file.get(segment.p_offset, SIZE, "the flags of its MIPS ABI")?;
    let is_known = segment.p_filesz >= SIZE as u64 && endian.u32(flags, 20) == 0;
    let fp_abi = flags.get(7).copied().filter(|_| is_known);
    Ok(fp_abi.map_or(MipsFloat::NONE, MipsFloat::from_abi_flags))
}

/// The directories of a search path. An empty path has none; an empty directory between colons is
/// the working directory, and is kept to be told.
fn split(path: &str) -> Vec<String> {
    if path.is_empty() { vec![] } else { path.split(':').map(String::from).collect() }
}

/// Is this a file of debug information, of which only the headers were kept? Its program headers are
/// those of the original, and its sections say that the code has no bytes. It is only looked for if
/// segments have no bytes, or with `suspect`: if the file made no sense otherwise.
fn is_debug(image: &mut Image<'_>, suspect: bool) -> bool {
    let Image { file, header, segments, ctx, .. } = image;
    let is_kept = |segment: &&ProgramHeader| {
        matches!(segment.p_type, PT_DYNAMIC | PT_INTERP)
            || (segment.p_type == PT_LOAD && segment.is_executable())
    };
    let is_hollow = |segment: &ProgramHeader| segment.p_filesz == 0 && segment.p_memsz != 0;
    if !suspect && !segments.iter().filter(is_kept).any(is_hollow) {
        return false;
    }
    let (count, size) = (usize::from(header.e_shnum), SectionHeader::size(*ctx));
    if count == 0 || count * size > MAX_SECTION_TABLE || usize::from(header.e_shentsize) != size {
        return false;
    }
    let Ok(bytes) = file.get(header.e_shoff, count * size, "its section headers") else { return false };
    let Ok(sections) = SectionHeader::parse_from(bytes, 0, count, *ctx) else { return false };
    sections.iter().any(|section| section.sh_type == SHT_NOBITS && section.is_executable())
}
