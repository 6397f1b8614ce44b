//! A dynamic OpenSSL from Rust without a crate: a digest, and a TLS context with the image's CA certificates.

use std::ffi::{c_char, c_int, c_uchar, c_ulong, c_void};

#[link(name = "ssl")]
#[link(name = "crypto")]
unsafe extern "C" {
    fn SHA256(data: *const c_uchar, length: usize, out: *mut c_uchar) -> *mut c_uchar;
    fn OpenSSL_version_num() -> c_ulong;
    fn TLS_client_method() -> *const c_void;
    fn SSL_CTX_new(method: *const c_void) -> *mut c_void;
    fn SSL_CTX_free(context: *mut c_void);
    fn SSL_CTX_set_default_verify_paths(context: *mut c_void) -> c_int;
    fn SSL_CTX_get_cert_store(context: *const c_void) -> *mut c_void;
    fn X509_STORE_get0_objects(store: *mut c_void) -> *mut c_void;
    fn OPENSSL_sk_num(stack: *const c_void) -> c_int;
    fn EVP_get_cipherbyname(name: *const c_char) -> *const c_void;
}

fn sha256(text: &str) -> String {
    let mut out = [0u8; 32];
    // SAFETY: the pointers and the length are those of live buffers; the digest is 32 bytes.
    unsafe { SHA256(text.as_ptr(), text.len(), out.as_mut_ptr()) };
    out.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn certificates() -> i32 {
    // SAFETY: the context is used while it lives and freed once; the store and its objects belong to it.
    unsafe {
        let context = SSL_CTX_new(TLS_client_method());
        assert!(!context.is_null(), "no TLS context");
        assert_eq!(SSL_CTX_set_default_verify_paths(context), 1);
        let count = OPENSSL_sk_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context)));
        SSL_CTX_free(context);
        count
    }
}

fn main() {
    let digest = std::thread::spawn(|| sha256("bantam")).join().expect("the thread ends");
    println!("sha256 {digest}");
    // SAFETY: both take no memory of ours but a constant name.
    let (version, aes) = unsafe { (OpenSSL_version_num(), EVP_get_cipherbyname(c"AES-256-GCM".as_ptr())) };
    println!("openssl {}", version >> 28);
    println!("aes {}", !aes.is_null());
    println!("certificates {}", certificates() > 50);
}
