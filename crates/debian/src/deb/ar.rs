//! `ar` archives as `dpkg-deb` writes them: deb(5).

use super::error::DebError;
use std::io::{self, Read};

const MAGIC: &[u8; 8] = b"!<arch>\n";
/// The length of a member's header.
const HEADER: usize = 60;

/// Reads the members of an archive one after the other. What is read from it is the content of the member that
/// came last.
pub struct Ar<'a, R> {
    package: &'a str,
    reader: R,
    offset: u64,
    /// Bytes of the member that were not read.
    left: u64,
    /// Is there a byte of padding after the member?
    padded: bool,
}

/// The header of a member.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// When it was made, in seconds since 1970; 0 where the header does not say.
    pub time: u64,
}

impl<'a, R: Read> Ar<'a, R> {
    /// An archive from its start.
    pub fn open(package: &'a str, reader: R) -> Result<Self, DebError> {
        let mut ar = Ar { package, reader, offset: 0, left: 0, padded: false };
        let mut magic = [0; MAGIC.len()];
        match ar.fill(&mut magic)? {
            8 if magic == *MAGIC => Ok(ar),
            _ => Err(ar.error(0, "this is no ar archive")),
        }
    }

    /// The next member; none at the end. What was not read of the last one is passed over.
    pub fn next_member(&mut self) -> Result<Option<Member>, DebError> {
        let package = self.package;
        let skipped = io::copy(&mut *self, &mut io::sink());
        skipped.map_err(|error| self.read_error(package, error))?;
        if std::mem::take(&mut self.padded) {
            let mut byte = [0];
            let at = self.offset;
            match self.fill(&mut byte)? {
                // Some writers leave out the padding of the last member.
                0 => return Ok(None),
                _ if byte == *b"\n" => {}
                _ => return Err(self.error(at, "a member is padded with something else than a line feed")),
            }
        }
        let at = self.offset;
        let mut header = [0; HEADER];
        match self.fill(&mut header)? {
            0 => return Ok(None),
            HEADER => {}
            _ => return Err(self.error(at, "the archive ends within a member's header")),
        }
        let text = std::str::from_utf8(&header).ok().filter(|text| text.is_ascii());
        let fields = text
            .and_then(|text| Some((text.get(..16)?, text.get(16..28)?, text.get(48..58)?, text.get(58..)?)));
        let Some((name, time, size, "`\n")) = fields else {
            return Err(self.error(at, "this is no header of a member"));
        };
        let name = name.trim_end_matches(' ');
        let name = name.strip_suffix('/').unwrap_or(name);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') {
            return Err(self.error(at, format!("a member has the name {name:?}")));
        }
        let digits = size.trim_end_matches(' ');
        let number = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(size) = number else {
            return Err(self.error(at, format!("the member {name} has the size {digits:?}")));
        };
        (self.left, self.padded) = (size, size % 2 == 1);
        let time = time.trim_end_matches(' ').parse().unwrap_or(0);
        Ok(Some(Member { name: name.into(), size, time }))
    }

    /// An error about what was read last.
    pub fn wrong(&self, what: impl Into<String>) -> DebError {
        self.error(self.offset, what)
    }

    /// Reads until the buffer is full or the archive ends, and says how much came.
    fn fill(&mut self, buf: &mut [u8]) -> Result<usize, DebError> {
        let mut filled = 0;
        while let Some(rest @ [_, ..]) = buf.get_mut(filled..) {
            match self.reader.read(rest) {
                Ok(0) => break,
                Ok(got) => filled += got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(DebError::Read { package: self.package.into(), source }),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn error(&self, offset: u64, what: impl Into<String>) -> DebError {
        DebError::Archive { package: self.package.into(), offset, what: what.into() }
    }

    fn read_error(&self, package: &str, source: io::Error) -> DebError {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.error(self.offset, "the archive ends within a member"),
            _ => DebError::Read { package: package.into(), source },
        }
    }
}

impl<R: Read> Read for Ar<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let Some(part) = buf.get_mut(..most) else { return Ok(0) };
        let got = self.reader.read(part)?;
        if got == 0 && most > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the archive ends {} bytes before its member does", self.left),
            ));
        }
        self.left -= got as u64;
        self.offset += got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, DebError> {
        let mut ar = Ar::open("p", bytes)?;
        let mut members = vec![];
        while let Some(member) = ar.next_member()? {
            let mut body = vec![];
            // Every second member is passed over.
            if members.len() % 2 == 0 {
                ar.read_to_end(&mut body).unwrap();
                assert_eq!(body.len() as u64, member.size);
            }
            members.push((member.name, body));
        }
        Ok(members)
    }

    fn header(name: &str, size: &str) -> String {
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100644)
    }

    #[test]
    fn members_are_read_or_passed_over() {
        let text =
            ["!<arch>\n", &header("a", "3"), "abc\n", &header("b/", "2"), "de", &header("c", "1"), "f"];
        let names = read(text.concat().as_bytes()).unwrap();
        assert_eq!(names, [("a".into(), b"abc".into()), ("b".into(), vec![]), ("c".into(), b"f".into())]);
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        for (bytes, want) in [
            (String::new(), "p: byte 0 of the package: this is no ar archive"),
            ("!<arch>".into(), "p: byte 0 of the package: this is no ar archive"),
            ("!<arch>\nshort".into(), "p: byte 8 of the package: the archive ends within a member's header"),
            (
                format!("!<arch>\n{}", "x".repeat(60)),
                "p: byte 8 of the package: this is no header of a member",
            ),
            (
                format!("!<arch>\n{}", header("a", "-1")),
                "p: byte 8 of the package: the member a has the size \"-1\"",
            ),
            (
                format!("!<arch>\n{}", header("a", "+1")),
                "p: byte 8 of the package: the member a has the size \"+1\"",
            ),
            (
                format!("!<arch>\n{}", header("a", "")),
                "p: byte 8 of the package: the member a has the size \"\"",
            ),
            (
                format!("!<arch>\n{}", header("../a", "1")),
                "p: byte 8 of the package: a member has the name \"../a\"",
            ),
            (
                format!("!<arch>\n{}ax{}", header("a", "1"), header("b", "0")),
                "p: byte 69 of the package: a member is padded with something else than a line feed",
            ),
            (
                format!("!<arch>\n{}{}x", header("x", "0"), header("a", "9999999999")),
                "p: byte 129 of the package: the archive ends within a member",
            ),
        ] {
            // The second member is passed over, the first is read by the test itself.
            assert_eq!(read(bytes.as_bytes()).unwrap_err().to_string(), want, "{bytes:?}");
        }
    }
}
