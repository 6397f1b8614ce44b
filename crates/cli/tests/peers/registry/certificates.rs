//! Certificates for servers on this machine, of an authority that nobody else knows.

use std::path::PathBuf;

use crate::workshop::{Workshop, limited, ok};

/// An authority.
pub struct Authority(Workshop);

/// A certificate, and its private key.
pub struct Issued {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new() -> Self {
        let authority = Self(Workshop::new());
        let extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
        authority.request("authority", &["-newkey", "rsa:2048"], &extensions);
        authority
    }

    /// The certificate of the authority itself.
    pub fn certificate(&self) -> PathBuf {
        self.0.path("authority.pem")
    }

    /// A certificate for a server on the loopback interface; what it signs, anybody who trusts the authority believes.
    pub fn issue(&self, name: &str) -> Issued {
        let (certificate, key) = (self.certificate(), self.0.path("authority.key"));
        let [certificate, key] = [certificate, key].map(|path| path.display().to_string());
        let extensions = ["basicConstraints=critical,CA:FALSE", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
        self.request(name, &["-newkey", "rsa:2048", "-CA", &certificate, "-CAkey", &key], &extensions)
    }

    fn request(&self, name: &str, options: &[&str], extensions: &[&str]) -> Issued {
        let issued = Issued {
            certificate: self.0.path(&format!("{name}.pem")),
            key: self.0.path(&format!("{name}.key")),
        };
        let mut request = limited("openssl");
        request
            .args(["req", "-x509", "-noenc", "-days", "30", "-subj"])
            .arg(format!("/CN=bantam test {name}"));
        request.args(options).arg("-keyout").arg(&issued.key).arg("-out").arg(&issued.certificate);
        for extension in extensions {
            request.args(["-addext", extension]);
        }
        ok(&mut request);
        issued
    }
}
