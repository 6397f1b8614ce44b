//! Everything about OCI bytes, nothing about where they live.
