//! What is signed with OpenPGP, taken apart: a text within its signature, and signatures beside a text.
//!
//! Implements the cleartext signature framework of [RFC 9580, section 7][csf], stricter than it has to be: one message
//! and nothing else, so that the text that is verified is all the text there is. Which signatures count is for
//! [`keyring`](crate::keyring) to say.
//!
//! [csf]: https://www.rfc-editor.org/rfc/rfc9580.html#section-7

use crate::keyring::SignatureError;
use pgp::armor::{Dearmor, DearmorOptions};
use pgp::packet::{Packet, PacketParser, Signature};
use std::io::Read as _;

/// The longest signed text that is read, in bytes: a hundred times the longest that any archive has.
const MAX_TEXT: usize = 32 << 20;
/// The longest armored block that is read, in bytes.
const MAX_ARMOR: usize = 16 << 20;
/// The most signatures that are looked at.
const MAX_SIGNATURES: usize = 64;

const MESSAGE: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "PGP SIGNATURE";

/// A signature, or why it could not be read.
pub(crate) type Parsed = Result<Signature, pgp::errors::Error>;

/// A message of the cleartext signature framework.
#[derive(Debug)]
pub(crate) struct Clearsigned {
    /// The text: dashes are no more escaped, blanks at the ends of lines are gone as they are not signed, and each line
    /// ends in a line feed. What is hashed is this without the last line feed.
    pub text: Vec<u8>,
    /// The signatures, in their order.
    pub signatures: Vec<Parsed>,
}

/// Takes a clearsigned message apart.
///
/// # Errors
/// When it is no such message, holds anything beside it, or is too long.
pub(crate) fn clearsigned(bytes: &[u8]) -> Result<Clearsigned, SignatureError> {
    within_limit(bytes)?;
    let mut lines = Lines { bytes, at: 0, number: 0 };
    if lines.next_line()? != Some(MESSAGE) {
        return Err(lines.wrong("no clearsigned message begins here"));
    }
    loop {
        match lines.next_line()? {
            Some(b"") => break,
            Some(header) if header.starts_with(b"Hash: ") => {}
            Some(_) => return Err(lines.wrong("the only header of a clearsigned message is Hash")),
            None => return Err(lines.wrong("the message ends within its headers")),
        }
    }
    let mut text = Vec::with_capacity(bytes.len());
    let armor = loop {
        let start = lines.at;
        let Some(line) = lines.next_line()? else {
            return Err(lines.wrong("the message ends before its signature"));
        };
        let line = match line {
            b"-----BEGIN PGP SIGNATURE-----" => break start,
            [b'-', b' ', rest @ ..] => rest,
            [b'-', ..] => return Err(lines.wrong("a dash at the start of a line is not escaped")),
            line => line,
        };
        text.extend(line);
        text.push(b'\n');
    };
    let armor = bytes.get(armor..).unwrap_or_default();
    while let Some(line) = lines.next_line()? {
        if line == b"-----END PGP SIGNATURE-----" {
            break;
        }
    }
    while let Some(line) = lines.next_line()? {
        if !line.is_empty() {
            return Err(lines.wrong("something follows the signature"));
        }
    }
    let mut found = vec![];
    for block in armored(armor, SIGNATURE)? {
        signatures(&block, &mut found)?;
    }
    Ok(Clearsigned { text, signatures: found })
}

/// The signatures of a file that holds nothing else: binary, or one or several armored blocks.
///
/// # Errors
/// When it holds something else, or is too long.
pub(crate) fn detached(bytes: &[u8]) -> Result<Vec<Parsed>, SignatureError> {
    within_limit(bytes)?;
    let mut found = vec![];
    if is_binary(bytes) {
        signatures(bytes, &mut found)?;
    } else {
        for block in armored(bytes, SIGNATURE)? {
            signatures(&block, &mut found)?;
        }
    }
    Ok(found)
}

/// Are these packets, and no text around armored ones? Every packet begins with the first bit set.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0x80 != 0)
}

/// The contents of the armored blocks of a kind, whatever stands between them.
///
/// # Errors
/// When one does not end, or is no base64.
pub(crate) fn armored(bytes: &[u8], kind: &str) -> Result<Vec<Vec<u8>>, SignatureError> {
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let mut blocks = vec![];
    let mut start = None;
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (before, trimmed) = (at, line.trim_ascii_end());
        at += line.len();
        if trimmed == begin.as_bytes() && start.is_none() {
            start = Some(before);
        } else if trimmed == end.as_bytes()
            && let Some(start) = start.take()
        {
            blocks.push(dearmored(bytes.get(start..at).unwrap_or_default())?);
        }
    }
    if start.is_some() {
        return Err(SignatureError::Armor("a block does not end".into()));
    }
    Ok(blocks)
}

fn dearmored(block: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let mut packets = vec![];
    let mut reader = Dearmor::with_options(block, DearmorOptions::new().set_limit(MAX_ARMOR));
    reader.read_header().map_err(|error| SignatureError::Armor(error.into()))?;
    reader.read_to_end(&mut packets).map_err(|error| SignatureError::Armor(error.into()))?;
    Ok(packets)
}

fn signatures(packets: &[u8], found: &mut Vec<Parsed>) -> Result<(), SignatureError> {
    for packet in PacketParser::new(packets) {
        match packet {
            Ok(Packet::Signature(signature)) => found.push(Ok(signature)),
            Ok(Packet::Marker(_) | Packet::Padding(_)) => {}
            Ok(_) => return Err(SignatureError::NotASignature),
            Err(error) => found.push(Err(error)),
        }
        if found.len() > MAX_SIGNATURES {
            return Err(SignatureError::TooMany { limit: MAX_SIGNATURES });
        }
    }
    Ok(())
}

fn within_limit(bytes: &[u8]) -> Result<(), SignatureError> {
    let size = bytes.len();
    if size > MAX_TEXT { Err(SignatureError::TooLong { size, limit: MAX_TEXT }) } else { Ok(()) }
}

/// The lines of a message, without what their ends may be changed to on the way: blanks, and CR LF for LF.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Result<Option<&'a [u8]>, SignatureError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at += len + 1;
        let mut line = rest.get(..len).unwrap_or_default();
        line = line.strip_suffix(b"\r").unwrap_or(line);
        // It would be the end of a line to some, and a part of it to others.
        if memchr::memchr(b'\r', line).is_some() {
            return Err(self.wrong("a carriage return stands within the line"));
        }
        while let [shorter @ .., b' ' | b'\t'] = line {
            line = shorter;
        }
        Ok(Some(line))
    }

    fn wrong(&self, what: &'static str) -> SignatureError {
        SignatureError::Text { line: self.number, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: &str = "-----BEGIN PGP SIGNATURE-----\n\nwsA=\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn the_text_is_what_is_signed() {
        for (message, want) in [
            ("Hash: SHA512\n\na\nb\n", "a\nb\n"),
            ("\na\n", "a\n"),
            ("Hash: SHA512\r\n\r\na  b \t\r\n\tc\r\n", "a  b\n\tc\n"),
            (
                "Hash: SHA512\n\n- -----BEGIN PGP SIGNATURE-----\n- - a\n- b\n",
                "-----BEGIN PGP SIGNATURE-----\n- a\nb\n",
            ),
            ("Hash: SHA256\nHash: SHA512\n\n\n \na\n\n", "\n\na\n\n"),
            ("\n", ""),
        ] {
            let message = format!("-----BEGIN PGP SIGNED MESSAGE-----\n{message}{END}");
            let text = clearsigned(message.as_bytes()).unwrap().text;
            assert_eq!(String::from_utf8(text).unwrap(), want, "{message}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_one_message_is_refused() {
        const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----\n";
        let (whole, body) = (format!("{BEGIN}\na\n{END}"), format!("{BEGIN}\na\n"));
        for (message, want) in [
            (String::new(), "line 0: no clearsigned message begins here"),
            ("Origin: Debian\n".into(), "line 1: no clearsigned message begins here"),
            (format!("\n{whole}"), "line 1: no clearsigned message begins here"),
            (format!("Origin: x\n{whole}"), "line 1: no clearsigned message begins here"),
            (format!("{whole}Origin: x\n"), "line 8: something follows the signature"),
            (format!("{whole}{whole}"), "line 8: something follows the signature"),
            (format!("{body}{END}{END}"), "line 8: something follows the signature"),
            (
                format!("{BEGIN}Comment: x\n\na\n{END}"),
                "line 2: the only header of a clearsigned message is Hash",
            ),
            (format!("{BEGIN}Hash: SHA256"), "line 2: the message ends within its headers"),
            (body.clone(), "line 3: the message ends before its signature"),
            (format!("{body}{whole}"), "line 4: a dash at the start of a line is not escaped"),
            (format!("{body}-b\n{END}"), "line 4: a dash at the start of a line is not escaped"),
            (format!("{body}b\rOrigin: x\n{END}"), "line 4: a carriage return stands within the line"),
            (format!("{body}b\r\r\n{END}"), "line 4: a carriage return stands within the line"),
            (format!("{body}-----BEGIN PGP SIGNATURE-----\n\nwsA=\n"), "the armor is broken"),
            (
                format!("{body}-----BEGIN PGP SIGNATURE-----\n\n%%%\n-----END PGP SIGNATURE-----\n"),
                "the armor is broken",
            ),
        ] {
            let error = clearsigned(message.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), want, "{message}");
        }
        assert!(clearsigned(&vec![b'a'; MAX_TEXT + 1]).unwrap_err().to_string().contains("33554433 bytes"));
    }

    #[test]
    fn only_signatures_are_signatures() {
        // A user ID packet, and as many broken signatures as nobody has.
        let user = [0xcd, 1, b'a'];
        assert!(matches!(detached(&user), Err(SignatureError::NotASignature)));
        let many = [0xc2, 1, 4].repeat(MAX_SIGNATURES + 1);
        assert!(matches!(detached(&many), Err(SignatureError::TooMany { .. })));
        assert!(matches!(&detached(&many[..6]).unwrap()[..], [Err(_), Err(_)]));
        assert!(detached(b"nothing\n").unwrap().is_empty());
    }
}
