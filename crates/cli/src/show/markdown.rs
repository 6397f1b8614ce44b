//! Markdown of our own pages for a terminal: as much of it as they use.

/// A page as text: what others print or write is indented, and the marks are gone. `heading` makes
/// headings stand out.
pub fn text(markdown: &str, heading: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut fenced = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            out.push_str(format!("    {line}").trim_end());
            out.push('\n');
        } else if line.starts_with('#') {
            out.push_str(&heading(line.trim_start_matches('#').trim_start()));
            out.push('\n');
        } else {
            out.push_str(&inline(line));
            out.push('\n');
        }
    }
    out
}

/// A line without the marks of emphasis and links. What stands in backticks keeps its letters, and the
/// backticks where it could be taken for words.
fn inline(line: &str) -> String {
    let mut out = String::new();
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 1 {
            out.push('`');
            out.push_str(part);
            out.push('`');
        } else {
            out.push_str(&links(&part.replace("**", "")));
        }
    }
    out
}

/// `[text](target)` is the text, with the target behind it.
fn links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, behind)) = after.split_once(')') else { break };
        match before.rsplit_once('[') {
            Some((before, label)) => {
                out.push_str(&format!("{before}{label} ({})", target.trim_start_matches("../")));
            }
            None => out.push_str(&format!("{before}]({target})")),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn marks_are_gone_and_what_is_quoted_stays() {
        let markdown = "# B0101: x\n\n**error**: `a**b`.\n\n## Example\n\n```toml\n[[files]]\n\n# c\n```\n\n\
                        1. See [globs](../spec.md#globs), and\n   [x] (y) or `[[a]](b)`.\n";
        let want = "B0101: x\n\nerror: `a**b`.\n\nExample\n\n    [[files]]\n\n    # c\n\n\
                    1. See globs (spec.md#globs), and\n   [x] (y) or `[[a]](b)`.\n";
        assert_eq!(text(markdown, &|heading| heading.into()), want);
    }
}
