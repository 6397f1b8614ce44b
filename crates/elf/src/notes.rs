//! Notes: what a file says that it loads by name at run time, and the instructions it needs.

use crate::window::Window;
use crate::{DlopenNote, Endian, Facts, Priority};
use goblin::container::Ctx;
use goblin::elf::ProgramHeader;
use goblin::elf::note::{NT_GNU_PROPERTY_TYPE_0, NoteDataIterator};
use goblin::elf::program_header::{PT_GNU_PROPERTY, PT_NOTE};
use serde_json::Value;

/// The owner and type of a note about names loaded at run time.
const DLOPEN: (&str, u32) = ("FDO", 0x407c_0c0a);
/// The property that names needed instruction set levels as bits.
const X86_ISA_1_NEEDED: u32 = 0xc000_8002;
/// The most bytes of notes that are read of one segment.
const MAX_NOTES: u64 = 1 << 20;

/// Adds to `facts` what the notes say. Notes decide nothing when a program is loaded, so one that
/// makes no sense is passed over.
pub(crate) fn read_notes(file: &mut Window<'_>, segments: &[ProgramHeader], ctx: Ctx, facts: &mut Facts) {
    let endian = facts.machine.endian;
    for segment in segments.iter().filter(|s| matches!(s.p_type, PT_NOTE | PT_GNU_PROPERTY)) {
        let Ok(size) = usize::try_from(segment.p_filesz.min(MAX_NOTES)) else { continue };
        let Ok(data) = file.get(segment.p_offset, size, "a note") else { continue };
        let alignment = if segment.p_align == 8 { 8 } else { 4 };
        let notes = NoteDataIterator { data, size, offset: 0, ctx: (alignment, ctx) };
        for note in notes.map_while(Result::ok) {
            let name = note.name.trim_end_matches('\0');
            if segment.p_type == PT_NOTE && (name, note.n_type) == DLOPEN {
                facts.dlopen_notes.extend(dlopen_notes(note.desc));
            } else if segment.p_type == PT_GNU_PROPERTY
                && (name, note.n_type) == ("GNU", NT_GNU_PROPERTY_TYPE_0)
                && facts.machine.is_x86()
            {
                let word = if alignment == 8 { 8 } else { 4 };
                facts.isa_level = isa_level(note.desc, word, endian).unwrap_or(0);
            }
        }
    }
}

/// The entries of one note: a JSON array of objects, perhaps with NULs at its end. A lone object is
/// taken too, and so is a lone name where a list of names should stand.
fn dlopen_notes(desc: &[u8]) -> Vec<DlopenNote> {
    let end = desc.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let entries = match serde_json::from_slice(&desc[..end]) {
        Ok(Value::Array(entries)) => entries,
        Ok(entry @ Value::Object(_)) => vec![entry],
        _ => return vec![],
    };
    let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(String::from);
    let entry = |entry: &Value| {
        let sonames: Vec<String> = match entry.get("soname")? {
            Value::Array(names) => names.iter().filter_map(Value::as_str).map(String::from).collect(),
            Value::String(name) => vec![name.clone()],
            _ => return None,
        };
        let priority = match entry.get("priority").and_then(Value::as_str) {
            Some("required") => Priority::Required,
            Some("suggested") => Priority::Suggested,
            _ => Priority::Recommended,
        };
        let (feature, description) = (text(entry, "feature"), text(entry, "description"));
        (!sonames.is_empty()).then_some(DlopenNote { sonames, priority, feature, description })
    };
    entries.iter().filter_map(entry).collect()
}

/// The highest instruction set level among the properties of an x86 file. They are sorted by type,
/// and padded to words.
fn isa_level(desc: &[u8], word: usize, endian: Endian) -> Option<u32> {
    let mut rest = desc;
    while rest.len() >= 8 {
        let (kind, size) = (endian.u32(rest, 0), usize::try_from(endian.u32(rest, 4)).ok()?);
        if kind == X86_ISA_1_NEEDED {
            let bits = endian.u32(rest.get(8..)?, 0);
            return (size == 4 && bits != 0).then(|| bits.ilog2());
        }
        rest = rest.get(size.checked_next_multiple_of(word)?.checked_add(8)?..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dlopen_notes_are_read_leniently() {
        for (json, expected) in [
            (r#"[{"soname":["libbpf.so.1","libbpf.so.0"],"feature":"bpf","priority":"suggested"}]"#, 1),
            (r#"[{"soname":"libz.so.1"},{"soname":["libm.so.6"],"priority":"wild","extra":[]}]"#, 2),
            (r#"{"soname":["libz.so.1"]}"#, 1),
            (r#"[{"feature":"none"},{"soname":[]},{"soname":7},null]"#, 0),
            ("not json", 0),
            ("", 0),
        ] {
            let padded = [json.as_bytes(), &[0, 0, 0]].concat();
            assert_eq!(dlopen_notes(&padded).len(), expected, "{json}");
        }
        let notes = dlopen_notes(
            br#"[{"soname":["a.so","b.so"],"feature":"f","description":"d","priority":"required"}]"#,
        );
        assert_eq!(
            notes,
            [DlopenNote {
                sonames: vec!["a.so".into(), "b.so".into()],
                priority: Priority::Required,
                feature: Some("f".into()),
                description: Some("d".into()),
            }]
        );
    }

    #[test]
    fn the_level_is_the_highest_bit() {
        let property = |kind: u32, bits: u32| {
            [kind, 4, bits, 0].iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()
        };
        let both = [property(0xc000_0002, 3), property(X86_ISA_1_NEEDED, 0b101)].concat();
        assert_eq!(isa_level(&both, 8, Endian::Little), Some(2));
        assert_eq!(isa_level(&property(X86_ISA_1_NEEDED, 0), 8, Endian::Little), None);
        assert_eq!(isa_level(&both[..20], 8, Endian::Little), None);
        assert_eq!(isa_level(&[0xff; 16], 8, Endian::Little), None);
    }
}
