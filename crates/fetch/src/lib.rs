//! Bytes over HTTP, and from files, by the rules: TLS, proxies, retries, resume, caps, digests while reading.
