use super::*;
use crate::error::ErrorKind;
use oci::{
    Artifact, AssembledLayer, Compression, EntryKind, ImageConfig, LayerOptions, MemoryBlob, TarReader,
};
use std::collections::BTreeMap;
use std::io::{BufReader, Read as _};
use std::num::NonZeroUsize;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use tree::Tree;

/// An image with a layer of about this many bytes.
fn image(size: usize) -> Artifact {
    let text = format!("755 0:0 /app = {}", "x".repeat(size));
    let options = LayerOptions { compression: Compression::None, level: None, threads: NonZeroUsize::MIN };
    let mut bytes = vec![];
    let layer = oci::write_layer(&Tree::from_lines(&text).unwrap(), &options, &mut bytes, &|_| ()).unwrap();
    let blob = Arc::new(MemoryBlob::new(Compression::None.media_type(), bytes));
    let layers = vec![AssembledLayer { layer, blob, created_by: "test".into() }];
    let config = ImageConfig { architecture: "amd64".into(), os: "linux".into(), ..ImageConfig::default() };
    Artifact::Image(oci::assemble(&config, layers, BTreeMap::new()).unwrap())
}

/// What an engine does with one request.
struct Answer {
    status: &'static str,
    body: String,
    reads: bool,
}

fn ok(body: impl Into<String>) -> Answer {
    Answer { status: "200 OK", body: body.into(), reads: true }
}

/// Runs `with` against an engine that gives these answers in turn, and gives the requests: first line
/// and body.
fn engine<T>(answers: Vec<Answer>, with: impl FnOnce(Engine) -> T) -> (T, Vec<(String, Vec<u8>)>) {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("docker.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = thread::spawn(move || {
        answers
            .into_iter()
            .map(|answer| {
                let mut stream = listener.accept().unwrap().0;
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let request = if answer.reads { read_request(&mut reader) } else { Default::default() };
                let Answer { status, body, .. } = answer;
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                request
            })
            .collect()
    });
    let result = with(Engine::new(format!("unix://{}", socket.display()), None).unwrap());
    (result, server.join().unwrap())
}

fn read_request(reader: &mut impl std::io::BufRead) -> (String, Vec<u8>) {
    let mut lines = vec![];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_string());
    }
    let mut body = vec![];
    if lines.iter().any(|line| line.eq_ignore_ascii_case("transfer-encoding: chunked")) {
        loop {
            let mut size = String::new();
            if reader.read_line(&mut size).unwrap() == 0 {
                break; // broken off
            }
            let size = u64::from_str_radix(size.trim(), 16).unwrap();
            reader.take(size).read_to_end(&mut body).unwrap();
            reader.read_line(&mut String::new()).unwrap();
            if size == 0 {
                break;
            }
        }
    }
    (lines.first().cloned().unwrap_or_default(), body)
}

fn publish(engine: Engine, artifact: &Artifact, names: &[&str]) -> Result<Published, StoreError> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let daemon = Daemon { engine, name: None, place: "docker-daemon:".into() };
    daemon.publish(&Publication { artifact, names: &names })
}

fn id(digest: Digest) -> Answer {
    ok(format!("{{\"Id\":\"{digest}\",\"RepoTags\":[]}}"))
}

const LOADED: &str = "{\"stream\":\"Loaded image: shop:1\\n\"}\n";

#[test]
fn an_engine_is_given_the_whole_archive() {
    let artifact = image(1_000_000);
    let own = &artifact.images()[0];
    // Engines that keep images in containerd call them by the manifest.
    for digest in [own.config.descriptor.digest, own.manifest.descriptor.digest] {
        let (published, requests) =
            engine(vec![ok(LOADED), id(digest)], |engine| publish(engine, &artifact, &["shop:1", "shop:2"]));
        assert_eq!(published.unwrap().names, ["shop:1", "shop:2"]);
        assert_eq!(requests[0].0, "POST /images/load?quiet=1 HTTP/1.1");
        assert_eq!(requests[1].0, "GET /images/shop:1/json HTTP/1.1");
        let mut tar = TarReader::new(&requests[0].1[..]);
        let mut names = vec![];
        while let Some(entry) = tar.next_entry().unwrap() {
            if let EntryKind::File { size, .. } = entry.kind {
                names.push(format!("{} {size}", entry.path.name()));
            }
        }
        assert!(names.iter().any(|name| name.starts_with("manifest.json")), "{names:?}");
        assert!(names.contains(&format!("{} {}", own.layers[0].0.digest.hex(), own.layers[0].0.size)));
    }
}

#[test]
fn what_an_engine_says_is_told() {
    let artifact = image(10);
    let error = |answers| engine(answers, |engine| publish(engine, &artifact, &["shop:1"])).0.unwrap_err();
    let full = "{\"stream\":\"x\"}\n{\"errorDetail\":{\"message\":\"no space\"},\"error\":\"no space\"}\n";
    assert!(error(vec![ok(full)]).to_string().ends_with("says: no space"));
    let refused =
        Answer { status: "500 Internal Server Error", body: "{\"message\":\"go away\"}".into(), reads: true };
    assert!(error(vec![refused]).to_string().ends_with("says: go away"));
    let other = error(vec![ok(LOADED), id(Digest::of(b"another"))]);
    assert!(matches!(other, StoreError::Mismatch { .. }), "{other}");
    let gone = Answer { status: "404 Not Found", body: String::new(), reads: true };
    let gone = error(vec![ok(LOADED), gone]);
    assert!(
        gone.to_string().ends_with("has no image `shop:1`") && gone.kind() == ErrorKind::NotFound,
        "{gone}"
    );
}

#[test]
fn an_engine_that_hangs_up_is_no_end_of_the_world() {
    let artifact = image(8_000_000);
    let answer = Answer { status: "400 Bad Request", body: "{\"message\":\"enough\"}".into(), reads: false };
    let error = engine(vec![answer], |engine| publish(engine, &artifact, &["shop:1"])).0.unwrap_err();
    assert!(matches!(error, StoreError::Daemon { .. } | StoreError::DaemonUnreachable { .. }), "{error}");
}

#[test]
fn a_caller_may_be_asynchronous() {
    let artifact = image(10);
    let digest = artifact.images()[0].config.descriptor.digest;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (published, _) = engine(vec![ok(LOADED), id(digest)], |engine| {
        runtime.block_on(async { publish(engine, &artifact, &["shop:1"]) })
    });
    assert_eq!(published.unwrap().digest, artifact.document().descriptor.digest);
}

#[test]
fn an_archive_that_broke_off_does_not_look_whole() {
    let Artifact::Image(mut image) = image(2_000_000) else { unreachable!() };
    struct Short(oci::Descriptor);
    impl oci::Blob for Short {
        fn descriptor(&self) -> &oci::Descriptor {
            &self.0
        }
        fn open(&self) -> io::Result<Box<dyn io::Read + Send + '_>> {
            Ok(Box::new(io::repeat(b'x').take(self.0.size - 1)))
        }
    }
    image.layers[0].1 = Arc::new(Short(image.layers[0].0.clone()));
    let answer = Answer { status: "400 Bad Request", body: "{\"message\":\"enough\"}".into(), reads: true };
    let (result, requests) =
        engine(vec![answer], |engine| publish(engine, &Artifact::Image(image), &["shop:1"]));
    assert!(matches!(result, Err(StoreError::Mismatch { .. })));
    let sent = &requests[0].1;
    assert!(sent.len() > 1_000_000 && !sent.ends_with(&[0; 1024]), "{} bytes", sent.len());
}

#[test]
fn an_image_is_saved_as_it_comes() {
    let (saved, requests) = engine(vec![ok("a tar")], |engine| {
        let mut out = vec![];
        engine.save("shop:1", &mut out).map(|()| out)
    });
    assert_eq!(saved.unwrap(), b"a tar");
    assert_eq!(requests[0].0, "GET /images/shop:1/get HTTP/1.1");
}

#[test]
fn an_address_is_as_docker_takes_it() {
    for (address, base) in [
        ("unix:///var/run/docker.sock", "http://docker/"),
        ("tcp://localhost", "http://localhost:2375/"),
        ("tcp://10.0.0.1:1234", "http://10.0.0.1:1234/"),
        ("https://build.example.com", "https://build.example.com/"),
    ] {
        assert_eq!(Engine::new(address.into(), None).unwrap().base.as_str(), base, "{address}");
    }
    for address in ["ssh://me@host", "npipe:////./pipe/docker", "/var/run/docker.sock", "tcp://"] {
        let error = Engine::new(address.into(), None).err().unwrap();
        assert!(matches!(error, StoreError::DaemonAddress { .. }), "{error}");
    }
    let error = Engine::new("tcp://localhost".into(), Some(Path::new("/nowhere"))).err().unwrap();
    assert_eq!(
        error.to_string(),
        "the Docker engine's address `tcp://localhost` needs /nowhere/ca.pem: No such file or directory (os error 2)"
    );
}

#[test]
fn an_engine_that_is_not_there_is_told() {
    let engine = Engine::new("unix:///nowhere/docker.sock".into(), None).unwrap();
    let error = engine.image_id("shop").unwrap_err();
    assert_eq!(error.to_string(), "cannot reach the Docker engine at unix:///nowhere/docker.sock");
}
