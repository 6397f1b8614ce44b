//! What a class uses of others, and which of it an application lacks.

use super::class::{Constant, Pool, Reader};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What packages of the JDK begin with. Those of `javax` that are not, older releases had.
const OF_JDK: [&str; 9] =
    ["java/", "javax/", "jdk/", "sun/", "com/sun/", "org/w3c/", "org/xml/", "org/ietf/", "netscape/"];

/// So much is kept of what classes use, in bytes of names. Beyond, nothing is missed.
const MAX_USES: usize = 64 << 20;

/// What is wrong with the class that a program starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum MainFault {
    /// No jar has it.
    Absent,
    /// It is cut short, or no class file.
    Damaged,
}

/// The class that a program starts with, and those near it.
#[derive(Debug)]
pub(super) struct Main {
    /// The class, by its path: `shop/Shop.class`.
    path: String,
    /// Is it there, and a class?
    fault: Option<MainFault>,
    /// What those of its package, and of packages below, use.
    uses: BTreeMap<String, BTreeSet<String>>,
    /// How much more may be kept of it.
    left: usize,
}

impl Main {
    /// The class of this name, with dots.
    pub fn new(class: &str) -> Self {
        let path = format!("{}.class", class.replace('.', "/"));
        let fault = (!is_of_jdk(&path)).then_some(MainFault::Absent);
        Main { path, fault, uses: BTreeMap::new(), left: MAX_USES }
    }

    /// Looks at a class of the application; of the program's own jar if `is_own`.
    pub fn look(&mut self, path: &str, bytes: &[u8], is_own: bool) {
        let is_main = path == self.path;
        if !(is_main || is_own && self.is_near(path)) {
            return;
        }
        let used = used(bytes);
        if is_main {
            self.fault = used.is_none().then_some(MainFault::Damaged);
        }
        let Some(used) = used.filter(|_| is_own) else { return };
        let size = path.len() + used.iter().map(String::len).sum::<usize>();
        if let Some(left) = self.left.checked_sub(size) {
            self.left = left;
            self.uses.insert(path.to_owned(), used);
        }
    }

    /// Is a class of its package, or of one below? Of no package is no other below.
    fn is_near(&self, path: &str) -> bool {
        match package_of(&self.path) {
            "" => !path.contains('/'),
            package => path.starts_with(package),
        }
    }

    /// What is wrong with it, and the packages that no jar has and that it uses, or a class near it which it uses: each with
    /// a class that does. `all` are the classes of the application.
    ///
    /// Classes of other packages may be those of libraries, which often do without what they can use.
    pub fn judge(self, all: &HashSet<String>) -> (Option<MainFault>, BTreeMap<String, String>) {
        let packages: HashSet<&str> = all.iter().map(|path| package_of(path)).collect();
        let mut absent = BTreeMap::new();
        let mut seen = BTreeSet::from([self.path.clone()]);
        let mut todo = vec![self.path.clone()];
        while let Some(path) = todo.pop() {
            for class in self.uses.get(&path).into_iter().flatten() {
                let package = package_of(class);
                let is_known = packages.contains(package) || is_of_jdk(class);
                // What has no package would be beside the program, and nobody publishes it so.
                if !is_known && !package.is_empty() {
                    let user = path.trim_end_matches(".class").replace('/', ".");
                    absent.entry(package.trim_end_matches('/').replace('/', ".")).or_insert(user);
                }
                let next = format!("{class}.class");
                if self.uses.contains_key(&next) && seen.insert(next.clone()) {
                    todo.push(next);
                }
            }
        }
        (self.fault, absent)
    }
}

fn is_of_jdk(class: &str) -> bool {
    OF_JDK.iter().any(|start| class.starts_with(start))
}

/// The package of a class, with a slash at its end.
fn package_of(path: &str) -> &str {
    path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or_default()
}

/// The classes whose fields and methods a class uses, and those that it extends or implements: Java loads them, if what uses
/// them is run. None: it is cut short, or no class file.
fn used(bytes: &[u8]) -> Option<BTreeSet<String>> {
    let mut rest = Reader(bytes);
    let (_, pool) = Pool::of_class(&mut rest)?;
    let mut used = BTreeSet::new();
    let mut add = |index| {
        // Arrays are of the virtual machine.
        used.extend(pool.name(index).filter(|name| !name.starts_with('[')));
    };
    rest.skip(4)?;
    add(rest.u16()?);
    for _ in 0..rest.u16()? {
        add(rest.u16()?);
    }
    // Fields and methods, and then its own attributes.
    for _ in 0..2 {
        for _ in 0..rest.u16()? {
            rest.skip(6)?;
            skip_attributes(&mut rest)?;
        }
    }
    skip_attributes(&mut rest)?;
    if !rest.0.is_empty() {
        return None;
    }
    for constant in &pool.0 {
        if let Constant::Member(class) = constant {
            add(*class);
        }
    }
    Some(used)
}

fn skip_attributes(rest: &mut Reader<'_>) -> Option<()> {
    for _ in 0..rest.u16()? {
        rest.skip(2)?;
        let len = usize::try_from(rest.u32()?).ok()?;
        rest.skip(len)?;
    }
    Some(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{super::class::testing::class_using, *};

    #[test]
    fn a_class_uses_what_it_calls_and_extends() {
        let bytes =
            class_using("shop/Shop", "shop/Base", &["org/slf4j/LoggerFactory", "[Ljava/lang/String;"]);
        let used = used(&bytes).unwrap();
        assert_eq!(used.iter().collect::<Vec<_>>(), ["org/slf4j/LoggerFactory", "shop/Base"]);
        for len in 0..bytes.len() {
            assert!(super::used(&bytes[..len]).is_none(), "{len}");
        }
        assert!(super::used(&[&bytes[..], b"x"].concat()).is_none());
    }

    #[test]
    fn what_the_program_lacks_is_told_and_what_libraries_lack_is_not() {
        let classes = [
            (
                "com/acme/Shop.class",
                class_using(
                    "com/acme/Shop",
                    "java/lang/Object",
                    &["com/acme/a/A", "org/lib/L", "com/sun/x/X", "javax/servlet/S"],
                ),
            ),
            (
                "com/acme/a/A.class",
                class_using("com/acme/a/A", "javax/swing/S", &["org/slf4j/Logger", "com/acme/Shop", "Plain"]),
            ),
            // Nobody uses it.
            ("com/acme/a/Lone.class", class_using("com/acme/a/Lone", "java/lang/Object", &["gone/G"])),
            // A library, shaded into the program.
            ("org/lib/L.class", class_using("org/lib/L", "java/lang/Object", &["com/optional/O"])),
        ];
        let all: HashSet<String> = classes.iter().map(|(path, _)| (*path).to_owned()).collect();
        let judged = |class: &str, is_own: bool| {
            let mut main = Main::new(class);
            classes.iter().for_each(|(path, bytes)| main.look(path, bytes, is_own));
            let (fault, absent) = main.judge(&all);
            (fault, absent.into_iter().map(|(package, user)| format!("{package} {user}")).collect::<Vec<_>>())
        };
        assert_eq!(judged("com.acme.Shop", true), (None, vec!["org.slf4j com.acme.a.A".into()]));
        assert_eq!(judged("com.acme.Shop", false), (None, vec![]));
        assert_eq!(judged("does.not.Exist", true), (Some(MainFault::Absent), vec![]));
        assert_eq!(judged("com.sun.tools.javac.Main", true), (None, vec![]));
        let mut main = Main::new("com.acme.Shop");
        main.look("com/acme/Shop.class", &classes[0].1[..40], true);
        assert_eq!(main.judge(&all).0, Some(MainFault::Damaged));
    }
}
