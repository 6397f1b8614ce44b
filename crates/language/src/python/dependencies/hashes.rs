//! Digests that requirements name: of which files a package may be.

use super::tags::{WheelName, normalized};
use std::collections::{BTreeMap, BTreeSet};
use tree::Sha256Digest;

/// What all requirements say of digests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hashes {
    /// Those of each package, by its normalized name.
    named: BTreeMap<String, Named>,
    /// Does an option ask for one of every package?
    asked: bool,
}

/// The digests of a package.
#[derive(Debug, Default, PartialEq, Eq)]
struct Named {
    sha256: BTreeSet<Sha256Digest>,
    /// As they are written: of another sort, or not what they seem.
    others: BTreeSet<String>,
}

impl Hashes {
    /// Takes what a line of requirements says.
    ///
    /// # Errors
    /// What is wrong with it: it has a digest, and names no package.
    pub fn read(&mut self, line: &str) -> Result<(), String> {
        let mut found = Named::default();
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            let digest = match word.strip_prefix("--hash") {
                Some("") => words.next().unwrap_or_default(),
                Some(rest) => rest.strip_prefix('=').unwrap_or(rest),
                None if word == "--require-hashes" => {
                    self.asked = true;
                    continue;
                }
                None => match word.split_once("#sha256=").or_else(|| word.split_once("&sha256=")) {
                    Some((_, hex)) => {
                        found.add("sha256", hex.split('&').next().unwrap_or_default());
                        continue;
                    }
                    None => continue,
                },
            };
            let digest = digest.trim_matches(['"', '\'']);
            let (algorithm, hex) = digest.split_once(':').unwrap_or((digest, ""));
            found.add(algorithm, hex);
        }
        if found == Named::default() {
            return Ok(());
        }
        let name = subject(line).ok_or_else(|| format!("`{line}` names a digest, and no package"))?;
        let named = self.named.entry(name).or_default();
        named.sha256.extend(found.sha256);
        named.others.extend(found.others);
        Ok(())
    }

    /// Why nothing of a package may be taken, whatever its files.
    pub fn refuses(&self, package: &str) -> Option<String> {
        match self.named.get(&normalized(package)) {
            Some(Named { sha256, others }) if sha256.is_empty() => {
                let others: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
                Some(format!(
                    "only SHA-256 is checked, and the requirements name {} of it",
                    others.join(", ")
                ))
            }
            None if self.asked => Some("--require-hashes asks for a digest of it, and there is none".into()),
            None if !self.named.is_empty() => {
                Some("the requirements name digests of others, and none of it".into())
            }
            _ => None,
        }
    }

    /// May a file of a package be taken?
    pub fn allow(&self, package: &str, sha256: Option<&Sha256Digest>) -> bool {
        match self.named.get(&normalized(package)) {
            Some(named) => sha256.is_some_and(|digest| named.sha256.contains(digest)),
            None => !self.asked && self.named.is_empty(),
        }
    }
}

impl Named {
    fn add(&mut self, algorithm: &str, hex: &str) {
        let digest = Sha256Digest::from_hex(&hex.to_ascii_lowercase());
        match digest.filter(|_| algorithm.eq_ignore_ascii_case("sha256")) {
            Some(digest) => {
                self.sha256.insert(digest);
            }
            None => {
                self.others.insert(format!("{algorithm}:{hex}"));
            }
        }
    }
}

/// The normalized name of the package that a line is of: it begins with it, or is the place of a wheel.
fn subject(line: &str) -> Option<String> {
    let first = line.split_whitespace().next()?;
    let place = first.split(['?', '#']).next().unwrap_or_default();
    let is_place = place.contains('/') && !line.contains(" @ ") && !first.contains('@');
    if is_place || place.ends_with(".whl") {
        let file = place.rsplit('/').next().unwrap_or_default();
        return WheelName::parse(file).map(|wheel| wheel.name);
    }
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'));
    let name = normalized(line.get(..end.unwrap_or(line.len()))?);
    (!name.is_empty() && !line.starts_with('-')).then_some(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    const HEX: &str = "ba0efaa9080b619ff2f3459d1d500c57bddea4a6b424b60a91141db6fd2f08bc";

    fn of(lines: &[String]) -> Hashes {
        let mut hashes = Hashes::default();
        lines.iter().for_each(|line| hashes.read(line).unwrap());
        hashes
    }

    #[test]
    fn each_way_to_write_a_digest_is_read() {
        let digest = Sha256Digest::from_hex(HEX).unwrap();
        let other = Sha256Digest::of(b"other");
        let upper = HEX.to_ascii_uppercase();
        for line in [
            format!("Foo_Bar[x]==1 --hash=sha256:{HEX}"),
            format!("foo.bar==1 --hash sha256:{HEX} --hash=sha512:00"),
            format!("foo-bar==1 --hash=sha256:{upper}"),
            format!("foo-bar==1 --hash=SHA256:{HEX} ; python_version > '3'"),
            format!("foo-bar==1 --hash='sha256:{HEX}'"),
            format!("foo-bar @ https://files.example/a.whl#sha256={HEX}"),
            format!("./dist/foo_bar-1-py3-none-any.whl --hash=sha256:{HEX}"),
            format!("https://files.example/foo_bar-1-py3-none-any.whl?x#egg=a&sha256={HEX}"),
        ] {
            let hashes = of(std::slice::from_ref(&line));
            assert_eq!(hashes.refuses("Foo.Bar"), None, "{line}");
            let allowed = [Some(&digest), Some(&other), None].map(|digest| hashes.allow("Foo.Bar", digest));
            assert_eq!(allowed, [true, false, false], "{line}");
            assert!(hashes.refuses("other").is_some() && !hashes.allow("other", Some(&digest)), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_checked_is_named() {
        for (lines, package, why) in [
            (vec!["a==1 --hash=sha512:00aa"], "a", "`sha512:00aa`"),
            (vec!["a==1 --hash sha384:00"], "a", "`sha384:00`"),
            (vec!["a==1 --hash=sha256:00"], "a", "`sha256:00`"),
            (vec!["a==1 --hash=00"], "a", "`00:`"),
            (vec!["a==1 --hash"], "a", "`:`"),
            (vec!["--require-hashes", "a==1"], "a", "--require-hashes asks for a digest"),
            (vec!["a==1", "b==1 --hash=sha512:00"], "a", "digests of others"),
        ] {
            let lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
            let refused = of(&lines).refuses(package).unwrap_or_default();
            assert!(refused.contains(why), "{refused} lacks {why}");
        }
        for line in [format!("-e ./a --hash=sha256:{HEX}"), format!("./a.tar.gz --hash=sha256:{HEX}")] {
            assert!(Hashes::default().read(&line).unwrap_err().contains(&line));
        }
        assert_eq!(of(&["a==1".into(), "--no-index".into()]), Hashes::default());
    }
}
