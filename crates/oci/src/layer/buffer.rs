//! A buffer that is used again and again, and zeroed once.

use std::ops::Deref;

/// Bytes, and behind them room that is still there from what they were before. A vector that grows is filled with zeros
/// before anything is read into it; here that happens to memory that is new, and to no other.
#[derive(Default)]
pub(super) struct Buffer {
    memory: Vec<u8>,
    len: usize,
}

impl Buffer {
    /// Room for `count` more bytes, with anything in it. What was written there is added with [`add`](Self::add).
    pub fn room(&mut self, count: usize) -> &mut [u8] {
        let end = self.len.saturating_add(count);
        if end > self.memory.len() {
            self.memory.resize(end, 0);
        }
        self.memory.get_mut(self.len..end).unwrap_or_default()
    }

    /// Adds what was written to the room, at most so many bytes as there is room.
    pub fn add(&mut self, count: usize) {
        self.len = self.len.saturating_add(count).min(self.memory.len());
    }

    /// Adds these bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
        self.add(bytes.len());
    }

    /// Adds so many zeros.
    pub fn push_zeros(&mut self, count: usize) {
        self.room(count).fill(0);
        self.add(count);
    }

    /// Takes away all behind the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(memory: Vec<u8>) -> Self {
        Buffer { len: memory.len(), memory }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_before_does_not_show() {
        let mut buffer = Buffer::from(b"before".to_vec());
        assert_eq!(*buffer, *b"before");
        buffer.truncate(0);
        assert_eq!(*buffer, *b"");
        buffer.push(b"ab");
        buffer.push_zeros(2);
        assert_eq!(*buffer, *b"ab\0\0");
        buffer.room(9)[..3].copy_from_slice(b"xyz");
        buffer.add(3);
        assert_eq!(*buffer, *b"ab\0\0xyz");
        buffer.add(99);
        assert_eq!(buffer.len(), 13, "no more than there was room");
    }
}
