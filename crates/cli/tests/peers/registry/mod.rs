//! Registries that people run, with what stands between them and their clients: tokens, certificates, bad connections.

mod certificates;
mod clients;
mod copies;
mod credentials;
mod denials;
mod faults;
mod http;
mod platforms;
mod process;
mod proxy;
mod referrers;
mod round_trips;
pub mod server;
mod shared;
mod token;
mod toxiproxy;
