//! Which port a program listens at, by its sources.

use super::sketch::Port;
use regex::Regex;
use std::sync::LazyLock;

/// How sources name a port, the surest first. The first group is the port.
const PATTERNS: &[&str] = &[
    // process.env.PORT || 3000, os.environ.get("PORT", "8000"), getenv("PORT", 8080)
    r#"\bPORT["'`]?[\])]*\s*(?:\|\||\?\?|,|\bor\b|\?:)\s*["'`]?:?([0-9]{2,5})\b"#,
    // server.port=8080 of Spring's settings, also with a default for a variable
    r"(?m)^\s*server\.port\s*[=:]\s*(?:\$\{[A-Z_]+:)?([0-9]{2,5})\b",
    r"(?m)^server:\s*\n(?:[ \t]+[^\n]*\n)*?[ \t]+port:\s*(?:\$\{[A-Z_]+:)?([0-9]{2,5})\b",
    // http.ListenAndServe(":8080"), .listen(3000, …), app.run(port=5000), InetSocketAddress(8080), htons(8080)
    r#"\b(?:ListenAndServe|Listen|Run|Start)\w*\(\s*(?:"tcp[46]?",\s*)?["'`][^"'`\s:]*:([0-9]{2,5})["'`]"#,
    r"(?:\.listen|\bhtons)\(\s*([0-9]{2,5})\s*[,)]",
    r#"\bInetSocketAddress\(\s*(?:"[^"]*"\s*,\s*)?([0-9]{2,5})\s*\)"#,
    r"\bServerSocket\(\s*([0-9]{2,5})\b",
    // "0.0.0.0:8080", ([0, 0, 0, 0], 3000), ":8080"
    r#"(?:0\.0\.0\.0|127\.0\.0\.1|\blocalhost|\[::1?\]):([0-9]{2,5})\b"#,
    r"\(\[\s*(?:0|127),\s*0,\s*0,\s*[01]\s*\],\s*([0-9]{2,5})\s*\)",
    r#"["'`]:([0-9]{2,5})["'`]"#,
    r#"(?i)\bport["']?\s*(?::\s*(?:u16|int|number)\s*)?(?::=|=|:)\s*["'`]?([0-9]{4,5})\b"#,
];

/// Ports of services that programs ask, not those that they offer.
const OF_OTHERS: &[u16] = &[
    25, 465, 587, 1433, 1521, 2181, 2379, 3306, 4222, 4317, 4318, 5432, 5672, 6379, 6380, 8125, 9000, 9042,
    9092, 9200, 11211, 27017,
];

/// The port that the first of these sources to name one names.
pub(super) fn find<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Port> {
    static COMPILED: LazyLock<Vec<Regex>> =
        LazyLock::new(|| PATTERNS.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect());
    sources.into_iter().find_map(|(path, text)| {
        let text = without_comments(text);
        let number = COMPILED.iter().find_map(|pattern| {
            let found = pattern.captures_iter(&text).filter_map(|found| found.get(1)?.as_str().parse().ok());
            found.into_iter().find(|port| *port > 0 && !OF_OTHERS.contains(port))
        })?;
        Some(Port { number, from: path.into() })
    })
}

/// Without the lines that are comments.
fn without_comments(text: &str) -> String {
    let is_comment =
        |line: &&str| ["//", "#", "*", "/*"].iter().any(|mark| line.trim_start().starts_with(mark));
    text.lines().filter(|line| !is_comment(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert!(PATTERNS.iter().all(|pattern| Regex::new(pattern).is_ok()));
    }

    #[test]
    fn ports_of_sources() {
        for (text, want) in [
            ("log.Fatal(http.ListenAndServe(\":8080\", nil))", Some(8080)),
            ("l, err := net.Listen(\"tcp\", \"localhost:7070\")", Some(7070)),
            ("r.Run(\"0.0.0.0:8088\")", Some(8088)),
            ("srv := &http.Server{Addr: \":8443\"}", Some(8443)),
            ("let addr = SocketAddr::from(([0, 0, 0, 0], 3000));", Some(3000)),
            ("TcpListener::bind(\"0.0.0.0:4000\").await", Some(4000)),
            ("app.listen(3000, () => {})", Some(3000)),
            ("const port = process.env.PORT || 3001;", Some(3001)),
            ("const port = Number(process.env.PORT ?? \"3002\")", Some(3002)),
            ("port = int(os.environ.get(\"PORT\", 5001))", Some(5001)),
            ("app.run(host='0.0.0.0', port=5000)", Some(5000)),
            ("uvicorn.run(app, host=\"0.0.0.0\", port=8000)", Some(8000)),
            ("server.port=${PORT:8081}", Some(8081)),
            ("server:\n  address: 0.0.0.0\n  port: 8082\n", Some(8082)),
            ("HttpServer.create(new InetSocketAddress(8000), 0)", Some(8000)),
            ("addr.sin_port = htons(9090);", Some(9090)),
            ("// app.listen(3000)\nredis(\"localhost:6379\")", None),
            ("x = \"postgres://db:5432/x\"; port = 5432", None),
            ("port = 99999", None),
            ("", None),
        ] {
            assert_eq!(find([("x", text)]).map(|port| port.number), want, "{text}");
        }
    }
}
