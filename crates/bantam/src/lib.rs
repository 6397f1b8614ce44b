//! The library's front: one function that runs the whole way, with progress events.
