//! Notes: the input is the segment of a proper ELF file. Its first byte says of which machine, of which type the
//! segment is, and how it is aligned.

use crate::machine::UNAMES;
use elf::testing::Elf;
use tree::Content;

const PT_NOTE: u32 = 4;
const PT_GNU_PROPERTY: u32 = 0x6474_e553;

/// Reads the file: whatever its notes are, it stays the program it is.
pub fn run(bytes: &[u8]) {
    let Some((choice, notes)) = bytes.split_first() else { return };
    let choice = usize::from(*choice);
    let kind = if choice & 8 == 0 { PT_NOTE } else { PT_GNU_PROPERTY };
    let align = [4, 8, 1, 1 << 12][choice >> 4 & 3];
    let program = || Elf::program().on(UNAMES[choice % UNAMES.len()]).needs(&["liba.so.1"]);
    let read = |elf: Elf| match elf::read(&Content::bytes(elf.build(), "the input")) {
        Ok(Some(facts)) => facts,
        other => panic!("a proper file is {other:?}"),
    };
    let plain = read(program());
    let facts = read(program().segment(kind, align, notes));
    assert!(facts.dlopen_notes.iter().all(|note| !note.sonames.is_empty()));
    let without = elf::Facts { dlopen_notes: vec![], isa_level: 0, ..facts };
    assert_eq!(without, plain);
}

/// Notes of programs, properties, and a note about names, of each machine.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![];
    for machine in 0..UNAMES.len() as u8 {
        let word = |number: u32| {
            if matches!(UNAMES[usize::from(machine)], "s390x" | "mips") {
                number.to_be_bytes()
            } else {
                number.to_le_bytes()
            }
        };
        let note = |owner: &[u8], kind, desc: &[u8]| {
            let head = [word(owner.len() as u32), word(desc.len() as u32), word(kind)].concat();
            let mut note = [&head[..], owner].concat();
            note.resize(note.len().next_multiple_of(4), 0);
            note.extend(desc);
            note.resize(note.len().next_multiple_of(4), 0);
            note
        };
        let json = br#"[{"soname":["libz.so.1","libz.so"],"priority":"required","feature":"zip","description":"d"}]"#;
        let property = [word(0xc000_8002), word(4), word(0b101), word(0)].concat();
        let notes = [
            (0, note(b"FDO\0", 0x407c_0c0a, json)),
            (0x10, [note(b"GNU\0", 1, &[0; 16]), note(b"FDO\0", 0x407c_0c0a, json)].concat()),
            (0x08, note(b"GNU\0", 5, &property)),
            (0x18, note(b"GNU\0", 5, &[&property[..], &property].concat())),
        ];
        seeds.extend(notes.map(|(choice, notes)| [&[machine | choice], &notes[..]].concat()));
    }
    seeds
}
