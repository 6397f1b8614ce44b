use super::{Files, Found, Script, Surroundings, calls};

/// A directory, a program and a file.
struct Disk;

impl Files for Disk {
    fn found(&self, path: &str) -> Found {
        match path {
            "/dir" => Found::Directory,
            "/file" | "/usr/bin/prog" => Found::File { empty: false, executable: true },
            "/empty" => Found::File { empty: true, executable: false },
            _ => Found::Nothing,
        }
    }

    fn is_link(&self, path: &str) -> bool {
        path == "/link"
    }
}

fn run(text: &str) -> String {
    let surroundings =
        Surroundings { script: Script::Postinst, package: "pp", architecture: "arm64", files: &Disk };
    let Some(calls) = calls(text, &surroundings) else { return "no script".into() };
    let word = |word: &Option<String>| word.clone().unwrap_or("?".into());
    let line = |call: &super::Call| call.words.iter().map(word).collect::<Vec<_>>().join(" ");
    calls.iter().map(line).collect::<Vec<_>>().join("; ")
}

#[test]
fn scripts_are_followed_as_on_a_first_installation() {
    for (script, want) in [
        ("#!/bin/sh\nset -e\na b 'c d' \"e\" # f\n", "a b c d e"),
        ("a \\\n  b \\\n  #c\nd", "a b; d"),
        ("if [ \"$1\" = configure ]; then a; else b; fi", "a"),
        ("if [ \"$1\" != \"configure\" ]; then exit 0; fi; a", "a"),
        ("[ \"$1\" = triggered ] && a; b", "b"),
        ("[ \"$1\" = configure ] || exit 0\na", "a"),
        ("case \"$1\" in\n  triggered|abort-*) a;;\n  configure) b\n ;;\n *) c; exit 1;;\nesac\nd", "b; d"),
        ("case $1 in (conf*) a ;; esac", "a"),
        ("if dpkg --compare-versions \"$2\" lt-nl 1; then a; fi", ""),
        ("if dpkg --compare-versions \"$2\" lt 1; then a; fi", "a"),
        ("if [ -n \"$2\" ] && dpkg --compare-versions \"$2\" lt 1; then a; fi; b", "b"),
        ("if test -z \"$2\" -o \"$x\" = y; then a; else b; fi", "a"),
        ("if [ -d /run/systemd/system ]; then a; fi", ""),
        ("if u; then a; else b; fi", "u; a; b"),
        ("x=1; if u; then x=2; fi; a $x", "u; a ?"),
        ("x=1; if u; then x=2; exit 0; fi; a $x", "u; a 1"),
        ("x='1 2'; a $x \"$x\" ${x}3 ${y:-4} \"$DPKG_ROOT/z\"", "a 1 2 1 2 1 23 ? /z"),
        ("DPKG_ROOT=${DPKG_ROOT:-/r}; a $DPKG_ROOT", "a /r"),
        ("for i in a b; do do_it $i; done", "do_it a; do_it b"),
        ("for i in a b; do [ $i = a ] && continue; x $i; done; y", "x b; y"),
        ("for i in /x/*; do a $i; done", "a ?"),
        ("for i in $(ls); do a $i; x=$i; done; b $x", "a ?; b ?"),
        ("while read x; do a $x; done < /f", "a ?"),
        ("x=1; while b; do a $x; x=2; done", "b; a ?"),
        ("f() { a \"$1\" $2; }\nf 1 2\nf 3", "a 1 2; a 3"),
        ("f()\n(\n a\n)\nb", "b"),
        ("f() { return 1; }; if f; then a; else b; fi", "b"),
        ("f() { f; }; f", ""),
        ("set -- x y; shift; a \"$@\" $1", "a y y"),
        ("a | b; ! c && { d; } || (e)", "a; b; c; d; e"),
        (
            "cat > /etc/f <<-EOF\n\tif; \"\n\tEOF\na 2>/dev/null >&2 >> /var/log/x",
            "> /etc/f; cat; > /var/log/x; a",
        ),
        ("a <<'E' && b\n$(\nE\nc", "a; b; c"),
        ("{ echo 1; } > /etc/f", "> /etc/f"),
        ("a `b 'c'` $(d \"$(e)\" ')') $((1+2)) f", "a ? ? ? f"),
        ("exec a b; command c; \"$UNKNOWN\" d", "a b; c; ? d"),
        ("local a=1 b=\"$c\"; x $a", "x 1"),
        ("if [ -d /dir ] && [ -f /file ] && [ -x /file ]; then a; else b; fi", "a"),
        ("if [ -d /file ]; then a; fi; if [ -f /dir ]; then b; fi", ""),
        ("[ -e /none ] || a; [ -s /empty ] || b; [ -x /empty ] || c; [ ! -L /link ] || d", "a; b; c; d"),
        ("if which prog >/dev/null; then a; fi; command -v none || b", "a; b"),
        ("a $(dirname /x/y) `basename $1` $(dpkg --print-architecture) \"$(b)\"", "a /x configure arm64 ?"),
        ("a ${DPKG_ROOT:+--root=$DPKG_ROOT} ${1:+x} b", "a ? b"),
        // What is no script.
        ("a 'b", "no script"),
        ("if a; then b", "no script"),
        ("case x in", "no script"),
        (")", "no script"),
        ("fi", "fi"),
    ] {
        assert_eq!(run(script), want, "{script}");
    }
}

#[test]
fn scripts_that_would_never_end_do() {
    assert_eq!(run(&"(".repeat(100_000)), "no script");
    assert_eq!(run(&"if a; then ".repeat(10_000)), "no script");
    assert_eq!(run(&"$(".repeat(100_000)), "no script");
    assert_eq!(run(&"\"$(".repeat(100_000)), "no script");
    assert_eq!(run(&"! ".repeat(100_000)), "no script");
    assert_eq!(run(&"f() ".repeat(100_000)), "no script");
    assert_eq!(run(&format!("a{}", " && a".repeat(100_000))), "no script");
    assert_eq!(run(&format!("a{}", " | a".repeat(1000))).len(), 3 * 1000 + 1);
    assert_eq!(run(&format!("[{} x ]", " !".repeat(900))), "");
    assert_eq!(run(&format!("case x in {} esac", "a) b ;;".repeat(10_000))), "");
    assert_eq!(run(&"a\n".repeat(1 << 20)), "no script");
    let deep = format!("{} a {}", "{ ".repeat(30), "; }".repeat(30));
    let calls = (1..20).fold(format!("f0() {deep}\n"), |text, at| {
        text + &format!("f{at}() {}\n", deep.replace(" a ", &format!(" f{} ", at - 1)))
    });
    assert_eq!(run(&(calls + "f19")), "no script");
    let variables: String = (0..5000).map(|at| format!("v{at}=x\n")).collect();
    assert_eq!(run(&(variables + &"if u; then w=1; fi\n".repeat(1000))), "no script");
    let doubled = "f() { f; f; f; }; f";
    assert_eq!(run(doubled), "no script");
    let long = format!("x=aaaaaaaaaaaaaaaa\n{}a $x", "x=$x$x\n".repeat(100));
    assert_eq!(run(&long), "a ?");
    let nested = format!("{} a {}", "for i in 1 2 3 4; do ".repeat(20), "; done".repeat(20));
    assert_eq!(run(&nested), "no script");
    let forks = "if a; then x=1; fi\n".repeat(5000);
    assert_eq!(run(&forks).len(), 5000 * 3 - 2);
}
