//! Registries: the [distribution specification][spec] over HTTP.
//!
//! A [`Repository`] is where requests go, and a [`Remote`] makes them there: with the credentials that the registry
//! asks for, and again where that may help. Above it, each file is one thing that is done with a repository.
//! How all of it behaves is written down in `docs/registries.md`.
//!
//! [spec]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md

mod answer;
mod blobs;
mod body;
mod known;
mod link;
mod manifest;
mod open;
mod probe;
mod push;
mod reader;
mod referrers;
mod remote;
mod repository;
mod shared;
mod tags;
mod upload;

pub(crate) use known::Known;
pub(crate) use open::open;
pub(crate) use push::Registry;
pub use referrers::{attach, referrers};
pub(crate) use shared::SharedRepository;
pub use tags::tags;
