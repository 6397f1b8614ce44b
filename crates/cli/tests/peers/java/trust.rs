//! Java trusts whom the image trusts.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::runtime::{docker, load};
use crate::workshop::{Workshop, assert_has, at_hand, fails, limited, ok};

use super::{compiled::plain_jar, image};

/// A server that ends with the value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn java_trusts_an_authority_of_the_spec() {
    if !at_hand(&["docker", "openssl", "javac", "jar", "keytool"]) {
        return;
    }
    let workshop = Workshop::new();
    let openssl =
        |arguments: &str| ok(limited("openssl").args(arguments.split(' ')).current_dir(workshop.path("")));
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    openssl(&format!("req -x509 {new_key} -subj /CN=own -keyout ca.key -out ca.pem"));
    openssl(&format!("req {new_key} -subj /CN=localhost -keyout server.key -out server.csr"));
    workshop.write("names", "subjectAltName=DNS:localhost\n");
    openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 2 -extfile names -out server.pem");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut serve = Command::new("openssl");
    serve.args(["s_server", "-www", "-quiet", "-cert", "server.pem", "-key", "server.key"]);
    serve.arg("-accept").arg(format!("127.0.0.1:{port}")).current_dir(workshop.path(""));
    let _server = Server(serve.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());

    plain_jar(&workshop, "shop.jar", 17);
    let spec =
        |ca: &str| format!("[runtime]\nsource = \"debian:bookworm\"\n{ca}[java]\njar = \"shop.jar\"\n");
    let Some(trusting) = image(&workshop, "trusting", &spec("ca = [\"ca.pem\"]\n")) else { return };
    let Some(plain) = image(&workshop, "plain", &spec("")) else { return };
    let url = format!("https://localhost:{port}/");
    let get = |archive: &std::path::Path| {
        let mut command = docker();
        command.args([
            "run",
            "--rm",
            "--network=host",
            "--read-only",
            "--cap-drop=ALL",
            "--tmpfs=/tmp:rw,mode=1777",
        ]);
        command.arg(load(docker(), archive)).arg(&url);
        command
    };
    assert_has(&ok(&mut get(&trusting.archive)), &["trusted: "]);
    assert_has(&fails(&mut get(&plain.archive), 1), &["unable to find valid certification path"]);

    // The tool that people look at such stores with reads it, and finds its digest right.
    let files = crate::layout::files(&trusting.layout);
    let store = crate::layout::entry(&files, "usr/lib/jvm/java-17/lib/security/cacerts");
    let store = workshop.write("cacerts", &store.content);
    let mut list = limited("keytool");
    let said = ok(list.args(["-list", "-storepass", "changeit", "-keystore"]).arg(store));
    assert_has(&said, &["Keystore type: JKS", "trustedCertEntry"]);
}
