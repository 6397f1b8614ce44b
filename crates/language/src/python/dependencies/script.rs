//! Console scripts: made of entry points, or a wheel's own with the interpreter of the image.

/// A script that calls a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntryPoint {
    /// The name of the script.
    pub name: String,
    module: String,
    function: String,
}

/// The scripts that `entry_points.txt` names, in its order.
///
/// # Errors
/// What is wrong with it.
pub(super) fn entry_points(text: &str) -> Result<Vec<EntryPoint>, String> {
    let mut points: Vec<EntryPoint> = vec![];
    let mut wanted = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(section) = line.strip_prefix('[') {
            wanted = matches!(section.trim_end_matches(']').trim(), "console_scripts" | "gui_scripts");
            continue;
        }
        if !wanted {
            continue;
        }
        let wrong = || format!("its entry point `{line}` names no function");
        let (name, target) = line.split_once('=').ok_or_else(wrong)?;
        let name = name.trim();
        let target = target.split('[').next().unwrap_or_default();
        let (module, function) = target.split_once(':').ok_or_else(wrong)?;
        let (module, function) = (module.trim(), function.trim());
        if !is_dotted(module) || !is_dotted(function) {
            return Err(wrong());
        }
        if name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '\0']) || name.len() > 255 {
            return Err(format!("its entry point `{line}` has no name that a file can have"));
        }
        points.retain(|point| point.name != name);
        points.push(EntryPoint { name: name.into(), module: module.into(), function: function.into() });
    }
    Ok(points)
}

impl EntryPoint {
    /// The script, for an interpreter.
    pub fn script(&self, interpreter: &str) -> String {
        let EntryPoint { module, function, .. } = self;
        let imported = function.split('.').next().unwrap_or(function);
        format!(
            "#!{interpreter}\nimport sys\nfrom {module} import {imported}\n\nif __name__ == \"__main__\":\n    sys.exit({function}())\n"
        )
    }
}

/// A wheel's own script with the interpreter of the image; none if it names no Python to be replaced.
pub(super) fn of_wheel(text: &[u8], interpreter: &str) -> Option<Vec<u8>> {
    text.starts_with(b"#!python").then(|| with_interpreter(after_line(text), interpreter))
}

/// An installed script with another interpreter; none if it is not Python's.
///
/// Installers write two sorts: one that names the interpreter, and one that a shell reads first, where the path of the
/// interpreter is too long or has blanks.
pub(super) fn of_venv(text: &[u8], interpreter: &str) -> Option<Vec<u8>> {
    let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let first = std::str::from_utf8(text.get(..end)?).ok()?;
    let program = first.strip_prefix("#!")?.trim();
    let rest = after_line(text);
    if program == "/bin/sh" && rest.starts_with(b"'''exec' ") {
        let rest = after_line(rest);
        return rest.starts_with(b"' '''").then(|| with_interpreter(after_line(rest), interpreter));
    }
    let name = program.split_whitespace().next()?.rsplit('/').next()?;
    (name.starts_with("python") || name.starts_with("pypy")).then(|| with_interpreter(rest, interpreter))
}

fn with_interpreter(rest: &[u8], interpreter: &str) -> Vec<u8> {
    [b"#!", interpreter.as_bytes(), b"\n", rest].concat()
}

fn after_line(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
    text.get(end..).unwrap_or_default()
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(|part| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn entry_points_become_scripts() {
        let text = "# x\n[console_scripts]\nflask = flask.cli:main\n\n; y\nrun=shop.app : App.run [cli]\n[pytest11]\nx = a\n[gui_scripts]\nwin = shop:gui\n";
        let points = entry_points(text).unwrap();
        assert_eq!(points.iter().map(|point| &*point.name).collect::<Vec<_>>(), ["flask", "run", "win"]);
        assert_eq!(
            points[1].script("/usr/bin/python3.13"),
            "#!/usr/bin/python3.13\nimport sys\nfrom shop.app import App\n\nif __name__ == \"__main__\":\n    sys.exit(App.run())\n"
        );
        for no in ["a = b", "a", "a = b:c()", "a = b;import os:c", "../a = b:c", " = b:c", "a = 1b:c"] {
            assert!(entry_points(&format!("[console_scripts]\n{no}\n")).is_err(), "{no}");
        }
    }

    #[test]
    fn scripts_get_the_interpreter_of_the_image() {
        let new = |text: &str| of_venv(text.as_bytes(), "/p").map(|text| String::from_utf8(text).unwrap());
        assert_eq!(new("#!/home/me/.venv/bin/python3\nx\n").as_deref(), Some("#!/p\nx\n"));
        assert_eq!(new("#!/usr/bin/env python\nx\n"), None, "PATH leads to the right one");
        let long = "#!/bin/sh\n'''exec' '/home/m e/.venv/bin/python' \"$0\" \"$@\"\n' '''\nimport x\n";
        assert_eq!(new(long).as_deref(), Some("#!/p\nimport x\n"));
        assert_eq!(new("#!/bin/sh\necho\n"), None);
        assert_eq!(new("\x7fELF"), None);
        assert_eq!(of_wheel(b"#!pythonw -E\nx", "/p").unwrap(), b"#!/p\nx");
        assert_eq!(of_wheel(b"#!/bin/sh\nx", "/p"), None);
    }
}
