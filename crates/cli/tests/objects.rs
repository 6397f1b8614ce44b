//! Images in object stores, against a few lines of server that keep what they are given.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};
use tempfile::TempDir;

/// What a server has: by key, each with the number of its generation.
type Objects = Arc<Mutex<BTreeMap<String, (usize, Vec<u8>)>>>;

/// A server of S3's protocol, and of Google's, which is much the same. It ends with the test.
struct Server {
    url: String,
    objects: Objects,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Server { url, objects: Objects::default(), log: Arc::default() };
        let (objects, log) = (Arc::clone(&server.objects), Arc::clone(&server.log));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (objects, log) = (Arc::clone(&objects), Arc::clone(&log));
                thread::spawn(move || while serve(stream.as_ref().unwrap(), &objects, &log).is_some() {});
            }
        });
        server
    }
}

/// Answers a request; nothing at the end of the connection.
fn serve(stream: &TcpStream, objects: &Objects, log: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut next = |reader: &mut BufReader<&TcpStream>| {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0).map(|_| line.trim_end().to_owned())
    };
    let first = next(&mut reader)?;
    let mut headers = BTreeMap::new();
    while let Some((name, value)) = next(&mut reader)?.split_once(": ") {
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    log.lock().unwrap().push(format!("{first} {headers:?}"));
    let mut words = first.split(' ');
    let (method, path) =
        (words.next()?, words.next()?.replace("%2F", "/").replace("%2E", ".").replace("%2D", "-"));
    let mut objects = objects.lock().unwrap();
    let found = objects.get(&path).cloned();
    let is_etag = |header: &str| {
        let generation = found.as_ref().map(|(generation, _)| format!("\"{generation}\""));
        headers.get(header).is_none_or(|etag| generation.as_ref() == Some(etag))
    };
    let generation = found.as_ref().map_or(0, |(generation, _)| *generation);
    let is_generation =
        headers.get("x-goog-if-generation-match").is_none_or(|wanted| *wanted == generation.to_string());
    let is_absent = !headers.contains_key("if-none-match") || found.is_none();
    let (status, extra, content) = match (method, found.clone()) {
        ("PUT", _) if !(is_etag("if-match") && is_generation && is_absent) => {
            ("412 Precondition Failed", String::new(), vec![])
        }
        ("PUT", _) => {
            objects.insert(path, (generation + 1, body));
            ("200 OK", format!("etag: \"{0}\"\r\nx-goog-generation: {0}\r\n", generation + 1), vec![])
        }
        (_, _) if path.contains('?') => {
            ("200 OK", String::new(), b"<ListBucketResult></ListBucketResult>".to_vec())
        }
        (_, None) => {
            let said = "<Error><Code>NoSuchKey</Code><Message>There is none.</Message></Error>";
            ("404 Not Found", String::new(), said.into())
        }
        (_, Some(_)) if !is_etag("if-match") => ("412 Precondition Failed", String::new(), vec![]),
        (_, Some((generation, bytes))) => {
            let known = format!(
                "etag: \"{generation}\"\r\nx-goog-generation: {generation}\r\nlast-modified: Tue, 01 Jan 2030 00:00:00 GMT\r\n"
            );
            let range = headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
            match range {
                Some((start, end)) => {
                    let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
                    let end = end.min(bytes.len() - 1);
                    let known = format!("{known}content-range: bytes {start}-{end}/{}\r\n", bytes.len());
                    ("206 Partial Content", known, bytes[start..=end].to_vec())
                }
                None => ("200 OK", known, bytes),
            }
        }
    };
    let mut answer =
        format!("HTTP/1.1 {status}\r\n{extra}content-length: {}\r\n\r\n", content.len()).into_bytes();
    if method != "HEAD" {
        answer.extend(content);
    }
    (&mut &*stream).write_all(&answer).ok()
}

/// A folder with a spec, in which the command runs.
struct Folder {
    folder: TempDir,
    server: Server,
}

impl Folder {
    fn new() -> Self {
        let folder = Folder { folder: tempfile::tempdir().unwrap(), server: Server::start() };
        let spec = "name = \"shop\"\n[runtime]\nsource = \"none\"\nprofile = \"none\"\n\
                    [[files]]\ncontent = \"some text\"\nto = \"/data/file\"\n";
        fs::write(folder.path("bantam.toml"), spec).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exit code, stdout and stderr.
    fn bantam(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bantam"));
        command.current_dir(self.folder.path()).args(arguments).env("BANTAM_CACHE_DIR", self.path("cache"));
        for variable in ["SOURCE_DATE_EPOCH", "GITHUB_ACTIONS", "HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        command.env("AWS_ENDPOINT_URL", &self.server.url).env("AWS_ALLOW_HTTP", "true");
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "a-secret");
        command.env("GOOGLE_BASE_URL", &self.server.url).env("GOOGLE_BEARER_TOKEN", "a-token");
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let (code, out, words) = self.bantam(arguments);
        assert_eq!(code, 0, "{arguments:?}: {words}");
        out
    }

    /// The objects, by their names.
    fn names(&self) -> Vec<String> {
        self.server.objects.lock().unwrap().keys().cloned().collect()
    }
}

#[test]
fn archives_go_to_s3_and_google_and_come_back() {
    let folder = Folder::new();
    let built = folder.ok(&[
        "build",
        "-o",
        "oci-archive:shop.tar",
        "-o",
        "s3://one/a/shop.tar",
        "-o",
        "gs://two/b.tar",
    ]);
    assert_eq!(built.lines().count(), 1);
    assert_eq!(folder.names(), ["/one/a/shop.tar", "/two/b.tar"]);
    let local = fs::read(folder.path("shop.tar")).unwrap();
    for (_, bytes) in folder.server.objects.lock().unwrap().values() {
        assert!(*bytes == local);
    }
    let listed = folder.ok(&["ls", "oci-archive:shop.tar"]);
    assert!(listed.contains(" file\n"), "{listed}");
    for reference in ["s3://one/a/shop.tar", "gs://two/b.tar"] {
        assert_eq!(folder.ok(&["ls", reference]), listed);
    }
    let log = folder.server.log.lock().unwrap().join("\n");
    assert!(log.contains("AWS4-HMAC-SHA256 Credential=key/") && log.contains("Bearer a-token"));
    assert!(!log.contains("a-secret"));
    assert!(log.contains(concat!("bantam/", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_layout_keeps_what_it_has() {
    let folder = Folder::new();
    for (scheme, bucket) in [("s3", "one"), ("gs", "two")] {
        for tag in ["first", "second"] {
            folder.ok(&["build", "-o", &format!("{scheme}://{bucket}/images/:{tag}")]);
        }
        for tag in ["first", "second"] {
            folder.ok(&["ls", &format!("{scheme}://{bucket}/images/:{tag}")]);
        }
        let index = folder.server.objects.lock().unwrap()[&format!("/{bucket}/images/index.json")].clone();
        assert_eq!(index.0, 2, "put once for each build");
        let (code, _, words) = folder.bantam(&["ls", &format!("{scheme}://{bucket}/images/:third")]);
        assert_eq!(code, 7, "{words}");
    }
}

#[test]
fn what_is_refused_is_told_with_its_name() {
    let folder = Folder::new();
    for (arguments, code, want) in [
        (&["ls", "s3://one/none.tar"][..], 7, "cannot read s3://one/none.tar"),
        (&["ls", "gs://one/none/"], 7, "cannot read gs://one/none/"),
        (&["--offline", "ls", "s3://one/x.tar"], 5, "s3://one/x.tar cannot be reached"),
        (&["build", "-o", "s3://one"], 2, "`s3://one` is no place in an object store"),
        (&["build", "-o", "s3://one/x.tar", "-o", "s3://one/x.tar"], 2, "the second would replace the first"),
        (&["build", "-o", "az://box/x.tar"], 2, "cannot use az://box/x.tar"),
        (&["build", "--cache-from", "oci:x"], 2, "`oci` is no place for a cache"),
        (&["build", "--cache-to", "gs://x//y"], 2, "`gs://x//y` is no place in an object store"),
    ] {
        let (found, _, words) = folder.bantam(arguments);
        assert!(found == code && words.contains(want), "{arguments:?}: {found}: {words}");
    }
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_cache_that_is_left_alone_is_told_once_and_fails_nothing() {
    let folder = Folder::new();
    let shared = ["--cache-from", "s3://ci/x", "--cache-to", "s3://ci/x"];
    let (code, _, words) = folder.bantam(&[&["--offline", "build"][..], &shared].concat());
    assert_eq!((code, words.matches("the shared cache s3://ci/x/ is left alone").count()), (0, 1), "{words}");
    let (code, _, words) = folder.bantam(&[&["build"][..], &shared].concat());
    assert_eq!((code, words.contains("left alone")), (0, false), "{words}");
    assert!(
        folder.names().iter().any(|name| name.starts_with("/ci/x/records/layers-1/")),
        "{:?}",
        folder.names()
    );
}
