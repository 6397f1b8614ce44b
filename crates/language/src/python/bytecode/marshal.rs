//! The one form of compiled code.
//!
//! `marshal` marks an object as one that others may refer to by how many references to it there are at that moment, which
//! depends on what else the process did before. So the same source compiles to different bytes. Here code is read, equal
//! constants become one, and it is written with marks on exactly those that are referred to. Python loads it to the same
//! code.

use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// What a mark is in the byte of a type.
const FLAG_REF: u8 = 0x80;
/// No code is nested deeper: Python itself compiles no more than a hundred blocks in each other.
const MAX_DEPTH: u32 = 400;
/// Fewer bytes than a reference takes are written again.
const REFERENCE: usize = 5;

/// Why bytes are no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MarshalError {
    /// They end too early.
    #[error("it ends too early")]
    Short,
    /// An object is of a kind that code has not.
    #[error("it has an object of the unknown kind {0:#04x}")]
    Kind(u8),
    /// A reference leads nowhere, or to what it is part of.
    #[error("it has a reference to what is not there")]
    Reference,
    /// It is nested too deep.
    #[error("it is nested too deep")]
    Depth,
    /// There is more behind it.
    #[error("there is more behind its end")]
    Trailing,
}

/// How objects of code are laid out; which one by version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Up to 3.10: six numbers, eight objects, a number, an object.
    Old,
    /// From 3.11: five numbers, eight objects, a number, two objects.
    New,
}

/// An object.
#[derive(Debug)]
enum Node {
    /// Its bytes, type and all.
    Leaf(Vec<u8>),
    /// A type, and what is in it.
    Sequence(u8, Vec<Id>),
    /// Numbers and objects, in their order.
    Code(Vec<Part>),
}

#[derive(Debug)]
enum Part {
    Number([u8; 4]),
    Object(Id),
}

type Id = usize;

/// Brings code of a version of Python into its one form.
///
/// # Errors
/// When it is no code of that version.
pub(crate) fn normalized(version: (u32, u32), bytes: &[u8]) -> Result<Vec<u8>, MarshalError> {
    let layout = if version < (3, 11) { Layout::Old } else { Layout::New };
    let mut reader = Reader { bytes, layout, nodes: vec![], known: HashMap::new(), references: vec![] };
    let root = reader.object(0)?;
    if !reader.bytes.is_empty() {
        return Err(MarshalError::Trailing);
    }
    let nodes = reader.nodes;
    let mut uses = vec![0_u32; nodes.len()];
    count(&nodes, root, &mut uses);
    let mut writer = Writer { nodes: &nodes, uses, places: vec![None; nodes.len()], next: 0, out: vec![] };
    writer.object(root);
    Ok(writer.out)
}

struct Reader<'b> {
    bytes: &'b [u8],
    layout: Layout,
    nodes: Vec<Node>,
    /// Where equal objects are, by digests of all that is in them.
    known: HashMap<[u8; 32], Id>,
    /// What marks stand for, with digests; none while an object is being read.
    references: Vec<Option<(Id, [u8; 32])>>,
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], MarshalError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(MarshalError::Short)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, MarshalError> {
        Ok(self.number::<1>()?[0])
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], MarshalError> {
        let (number, rest) = self.bytes.split_first_chunk::<N>().ok_or(MarshalError::Short)?;
        self.bytes = rest;
        Ok(*number)
    }

    fn object(&mut self, depth: u32) -> Result<Id, MarshalError> {
        Ok(self.object_with_digest(depth)?.0)
    }

    fn object_with_digest(&mut self, depth: u32) -> Result<(Id, [u8; 32]), MarshalError> {
        if depth > MAX_DEPTH {
            return Err(MarshalError::Depth);
        }
        let byte = self.byte()?;
        let kind = byte & !FLAG_REF;
        if kind == b'r' {
            let index =
                usize::try_from(u32::from_le_bytes(self.number()?)).map_err(|_| MarshalError::Reference)?;
            return self.references.get(index).copied().flatten().ok_or(MarshalError::Reference);
        }
        // Whoever is read first has the lower number, although what is in it ends first.
        let place = (byte & FLAG_REF != 0).then(|| {
            self.references.push(None);
            self.references.len() - 1
        });
        let read = self.read(kind, depth)?;
        if let Some(place) = place.and_then(|place| self.references.get_mut(place)) {
            *place = Some(read);
        }
        Ok(read)
    }

    fn read(&mut self, kind: u8, depth: u32) -> Result<(Id, [u8; 32]), MarshalError> {
        let length = match kind {
            b'N' | b'F' | b'T' | b'S' | b'.' => 0,
            b'i' => 4,
            b'g' | b'I' => 8,
            b'y' => 16,
            b'l' => {
                let digits = i32::from_le_bytes(self.peek()?).unsigned_abs();
                4 + 2 * digits as usize
            }
            b'f' => 1 + usize::from(self.peek::<1>()?[0]),
            b'x' => {
                let real = 1 + usize::from(self.peek::<1>()?[0]);
                real + 1 + usize::from(*self.bytes.get(real).ok_or(MarshalError::Short)?)
            }
            b's' | b'u' | b't' | b'a' | b'A' => 4 + u32::from_le_bytes(self.peek()?) as usize,
            b'z' | b'Z' => 1 + usize::from(self.peek::<1>()?[0]),
            b')' => {
                let count = usize::from(self.byte()?);
                return self.sequence(b'(', count, depth);
            }
            b'(' | b'<' | b'>' | b'[' => {
                let count = u32::from_le_bytes(self.number()?) as usize;
                return self.sequence(kind, count, depth);
            }
            b':' => return self.sequence(kind, 3, depth),
            b'c' => return self.code(depth),
            kind => return Err(MarshalError::Kind(kind)),
        };
        let mut leaf = vec![kind];
        leaf.extend_from_slice(self.take(length)?);
        let digest = Sha256::digest(&leaf).into();
        Ok(self.same(digest, || Node::Leaf(leaf)))
    }

    fn peek<const N: usize>(&self) -> Result<[u8; N], MarshalError> {
        self.bytes.first_chunk::<N>().copied().ok_or(MarshalError::Short)
    }

    fn sequence(&mut self, kind: u8, count: usize, depth: u32) -> Result<(Id, [u8; 32]), MarshalError> {
        // Each object takes a byte at least.
        if count > self.bytes.len() {
            return Err(MarshalError::Short);
        }
        let items = (0..count).map(|_| self.object_with_digest(depth + 1));
        let mut items = items.collect::<Result<Vec<_>, _>>()?;
        // The order of a set is that of hashes, which differ from process to process.
        if matches!(kind, b'<' | b'>') {
            items.sort_by_key(|(_, digest)| *digest);
        }
        let mut hash = Sha256::new();
        hash.update([kind]);
        hash.update((items.len() as u64).to_le_bytes());
        items.iter().for_each(|(_, digest)| hash.update(digest));
        let items = items.into_iter().map(|(id, _)| id).collect();
        Ok(self.same(hash.finalize().into(), || Node::Sequence(kind, items)))
    }

    /// Code is itself: two functions that are alike stay two.
    fn code(&mut self, depth: u32) -> Result<(Id, [u8; 32]), MarshalError> {
        let (before, objects, after) = match self.layout {
            Layout::Old => (6, 8, 1),
            Layout::New => (5, 8, 2),
        };
        let mut parts = vec![];
        let mut hash = Sha256::new();
        for (numbers, objects) in [(before, objects), (1, after)] {
            for _ in 0..numbers {
                let number = self.number()?;
                hash.update(number);
                parts.push(Part::Number(number));
            }
            for _ in 0..objects {
                let (id, digest) = self.object_with_digest(depth + 1)?;
                hash.update(digest);
                parts.push(Part::Object(id));
            }
        }
        self.nodes.push(Node::Code(parts));
        Ok((self.nodes.len() - 1, hash.finalize().into()))
    }

    fn same(&mut self, digest: [u8; 32], node: impl FnOnce() -> Node) -> (Id, [u8; 32]) {
        let id = *self.known.entry(digest).or_insert_with(|| {
            self.nodes.push(node());
            self.nodes.len() - 1
        });
        (id, digest)
    }
}

/// How often each object is written or referred to.
fn count(nodes: &[Node], id: Id, uses: &mut [u32]) {
    let (Some(node), Some(used)) = (nodes.get(id), uses.get_mut(id)) else { return };
    *used += 1;
    if *used > 1 && is_referable(node) {
        return;
    }
    match node {
        Node::Leaf(_) => {}
        Node::Sequence(_, items) => items.iter().for_each(|item| count(nodes, *item, uses)),
        Node::Code(parts) => {
            for part in parts {
                if let Part::Object(id) = part {
                    count(nodes, *id, uses);
                }
            }
        }
    }
}

/// Is a reference shorter than the object?
fn is_referable(node: &Node) -> bool {
    match node {
        Node::Leaf(bytes) => bytes.len() > REFERENCE,
        Node::Sequence(_, items) => !items.is_empty(),
        Node::Code(_) => true,
    }
}

struct Writer<'n> {
    nodes: &'n [Node],
    uses: Vec<u32>,
    /// The numbers of the objects that have marks.
    places: Vec<Option<u32>>,
    next: u32,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn object(&mut self, id: Id) {
        let Some(node) = self.nodes.get(id) else { return };
        if let Some(place) = self.places.get(id).copied().flatten() {
            self.out.push(b'r');
            self.out.extend_from_slice(&place.to_le_bytes());
            return;
        }
        let is_shared = is_referable(node) && self.uses.get(id).is_some_and(|uses| *uses > 1);
        let mark = if is_shared { FLAG_REF } else { 0 };
        if let Some(place) = self.places.get_mut(id).filter(|_| is_shared) {
            *place = Some(self.next);
            self.next += 1;
        }
        match node {
            Node::Leaf(bytes) => {
                let start = self.out.len();
                self.out.extend_from_slice(bytes);
                if let Some(kind) = self.out.get_mut(start) {
                    *kind |= mark;
                }
            }
            Node::Sequence(kind, items) => {
                match (kind, u8::try_from(items.len())) {
                    (b':', _) => self.out.push(b':' | mark),
                    (b'(', Ok(count)) => self.out.extend_from_slice(&[b')' | mark, count]),
                    (kind, _) => {
                        self.out.push(kind | mark);
                        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
                        self.out.extend_from_slice(&count.to_le_bytes());
                    }
                }
                items.iter().for_each(|item| self.object(*item));
            }
            Node::Code(parts) => {
                self.out.push(b'c' | mark);
                for part in parts {
                    match part {
                        Part::Number(number) => self.out.extend_from_slice(number),
                        Part::Object(id) => self.object(*id),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn one_form(bytes: &[u8]) -> Result<Vec<u8>, MarshalError> {
        normalized((3, 13), bytes)
    }

    #[test]
    fn marks_stand_on_what_is_referred_to_and_on_nothing_else() {
        let long = b"z\x08abcdefgh";
        let marked = b"\xfa\x08abcdefgh";
        let pair = |a: &[u8], b: &[u8]| [b")\x02", a, b].concat();
        let r = |n: u8| vec![b'r', n, 0, 0, 0];
        for (bytes, want) in [
            // Nothing refers to it.
            (marked.to_vec(), long.to_vec()),
            // Equal ones become one.
            (pair(long, long), pair(marked, &r(0))),
            (pair(marked, &r(0)), pair(marked, &r(0))),
            // A mark for nothing moves the numbers of the others.
            (
                [b"\xa9\x03\xe9\x01\x00\x00\x00".as_slice(), marked, &r(2)].concat(),
                [b")\x03i\x01\x00\x00\x00".as_slice(), marked, &r(0)].concat(),
            ),
            // What is shorter than a reference is written again.
            (pair(b"\xda\x01a", &r(0)), pair(b"Z\x01a", b"Z\x01a")),
            // Tuples have the shorter form.
            (b"(\x01\x00\x00\x00N".to_vec(), b")\x01N".to_vec()),
            // Sets have one order.
            (b">\x02\x00\x00\x00TF".to_vec(), one_form(b">\x02\x00\x00\x00FT").unwrap()),
        ] {
            assert_eq!(one_form(&bytes).unwrap(), want, "{bytes:x?}");
        }
    }

    /// Code of an empty module, as Python 3.13 lays it out; what has a mark is said by the bytes that are given.
    fn code(kind: u8, constants: &[u8], file: u8, name: u8, qualified: &[u8]) -> Vec<u8> {
        let mut code = vec![kind];
        code.extend([0; 20]);
        code.extend(b"s\x02\x00\x00\x00dS");
        code.extend(constants);
        code.extend(b")\x00)\x00s\x00\x00\x00\x00");
        code.extend([file]);
        code.extend(b"\x06/a/b.p");
        code.extend([name]);
        code.extend(b"\x08<module>");
        code.extend(qualified);
        code.extend([1, 0, 0, 0]);
        code.extend(b"s\x00\x00\x00\x00s\x00\x00\x00\x00");
        code
    }

    #[test]
    fn code_has_one_form_however_it_was_marked() {
        let want = code(b'c', b")\x01N", b'z', 0xda, b"r\x00\x00\x00\x00");
        for bytes in [
            code(0xe3, b")\x01N", 0xfa, 0xda, b"r\x02\x00\x00\x00"),
            code(0xe3, b"\xa9\x01N", 0xfa, 0xda, b"r\x03\x00\x00\x00"),
            code(b'c', b"(\x01\x00\x00\x00N", b'z', b'Z', b"Z\x08<module>"),
            want.clone(),
        ] {
            assert_eq!(one_form(&bytes).unwrap(), want, "{bytes:x?}");
        }
        // What is of another version is no code of this one, or cut off.
        assert!(normalized((3, 10), &want).is_err());
        for length in 0..want.len() {
            assert!(one_form(&want[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn hostile_bytes_are_refused() {
        let deep = [vec![b")\x01".to_vec(); 3000].concat(), b"N".to_vec()].concat();
        let itself = b"\xa9\x01r\x00\x00\x00\x00".to_vec();
        for (bytes, want) in [
            (vec![], MarshalError::Short),
            (b"?".to_vec(), MarshalError::Kind(b'?')),
            (b"{N0".to_vec(), MarshalError::Kind(b'{')),
            (b"r\x00\x00\x00\x00".to_vec(), MarshalError::Reference),
            (itself, MarshalError::Reference),
            (b"(\xff\xff\xff\xffN".to_vec(), MarshalError::Short),
            (b"s\xff\xff\xff\x7fN".to_vec(), MarshalError::Short),
            (b"l\x00\x00\x00\x80N".to_vec(), MarshalError::Short),
            (b"x\x01a".to_vec(), MarshalError::Short),
            (b"c\x00\x00".to_vec(), MarshalError::Short),
            (b"NN".to_vec(), MarshalError::Trailing),
            (deep, MarshalError::Depth),
        ] {
            assert_eq!(one_form(&bytes), Err(want), "{:x?}", bytes.get(..8.min(bytes.len())));
        }
        // Doubling by references stays small.
        let mut doubling = b"\xa9\x02\xe9\x01\x00\x00\x00r\x01\x00\x00\x00".to_vec();
        doubling = [b")\x02".to_vec(), doubling, b"r\x00\x00\x00\x00".to_vec()].concat();
        assert!(one_form(&doubling).unwrap().len() < 40);
    }
}
