//! Build tools: found on the machine, or laid out of packages, and run.

mod layout;
mod live;
mod run;

pub(crate) use layout::LaidOut;
pub(crate) use live::Workplace;
pub use live::end_tools;
pub(crate) use run::{Answer, Ended, attempt, find, find_all, run};
