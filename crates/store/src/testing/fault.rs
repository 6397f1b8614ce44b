//! What goes wrong.

use super::http::{Request, Response};

/// Something that goes wrong with the next requests of a kind.
#[derive(Clone)]
pub struct Fault {
    method: String,
    path: String,
    longer_than: usize,
    pub(super) times: usize,
    pub(super) then: Then,
}

#[derive(Clone)]
pub(super) enum Then {
    /// The connection is closed after the request.
    Close,
    /// It is closed when so many bytes of the body are there, which are kept.
    CutBody(usize),
    /// It is closed after so many bytes of the answer's body.
    CutAnswer(usize),
    /// The answer's body comes byte by byte.
    Drip,
    /// All uploads are forgotten, this one too.
    Forget,
    /// The answer has another header.
    Header(&'static str, String),
    /// Another answer is given.
    Answer(Response),
}

impl Fault {
    /// Something for requests of a method to a path that has a text in it. Without more, the connection is closed once.
    pub fn on(method: &str, path: &str) -> Self {
        Fault { method: method.into(), path: path.into(), longer_than: 0, times: 1, then: Then::Close }
    }

    /// Only with requests whose body is longer.
    pub fn longer_than(self, longer_than: usize) -> Self {
        Fault { longer_than, ..self }
    }

    /// So many times.
    pub fn times(self, times: usize) -> Self {
        Fault { times, ..self }
    }

    /// The connection breaks when so many bytes of the request's body are there; the registry keeps them.
    pub fn cut_body(self, length: usize) -> Self {
        Fault { then: Then::CutBody(length), ..self }
    }

    /// The connection breaks after so many bytes of the answer's body.
    pub fn cut_answer(self, length: usize) -> Self {
        Fault { then: Then::CutAnswer(length), ..self }
    }

    /// The answer's body comes byte by byte.
    pub fn drip(self) -> Self {
        Fault { then: Then::Drip, ..self }
    }

    /// The registry has forgotten all uploads.
    pub fn forget(self) -> Self {
        Fault { then: Then::Forget, ..self }
    }

    /// The answer has a header of another value, or none if that is empty.
    pub fn header(self, name: &'static str, value: &str) -> Self {
        Fault { then: Then::Header(name, value.into()), ..self }
    }

    /// The registry answers a status with a body and headers instead.
    pub fn answer(self, status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let answer = Response { body: body.into(), ..Response::new(status) };
        let answer = headers.iter().fold(answer, |answer, (name, value)| answer.with(name, value));
        Fault { then: Then::Answer(answer), ..self }
    }

    pub(super) fn meets(&self, request: &Request) -> bool {
        let length = request.headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        request.method == self.method
            && request.line().contains(&self.path)
            && (self.longer_than == 0 || length > self.longer_than)
    }
}
