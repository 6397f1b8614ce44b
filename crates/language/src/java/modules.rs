//! Which modules of Java a program needs: those that its classes refer to, those that it names, and those of a table.

use super::class::Class;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::OnceLock};

const TABLE: &str = include_str!("../../data/java-modules.toml");

/// The module that draws and plays.
const DESKTOP: &str = "java.desktop";

/// What a runtime without a program has, beside all that the table names: the whole of Java SE, and all languages.
const WHOLE: [&str; 8] = [
    "java.se",
    "jdk.accessibility",
    "jdk.charsets",
    "jdk.httpserver",
    "jdk.jfr",
    "jdk.localedata",
    "jdk.nio.mapmode",
    "jdk.xml.dom",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    modules: Vec<Row>,
    text: Use,
    sound: Use,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    module: String,
    clues: Vec<String>,
    #[serde(rename = "why")]
    _why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Use {
    clues: Vec<String>,
}

/// What classes tell by their texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Clues {
    /// The modules of the table that they need.
    pub modules: BTreeSet<String>,
    /// What they use of java.desktop.
    pub uses: Uses,
}

/// What a program uses of java.desktop beside what is part of the virtual machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Uses {
    /// Does it draw text?
    pub text: bool,
    /// Does it play sound?
    pub sound: bool,
}

impl Uses {
    /// What a runtime with these modules is for, where no program tells.
    pub fn of(modules: &BTreeSet<String>) -> Self {
        let is_desktop = modules.contains(DESKTOP) || modules.contains("java.se");
        Uses { text: is_desktop, sound: is_desktop }
    }

    /// Is this library there for something else?
    pub fn leave_out(self, library: &str) -> bool {
        match library {
            "libfontmanager.so" | "libfreetype.so" => !self.text,
            "libjsound.so" => !self.sound,
            _ => false,
        }
    }
}

impl Clues {
    /// Adds what a class tells.
    pub fn add(&mut self, class: &Class<'_>) {
        let Some(table) = table() else { return };
        for text in &class.texts {
            let name = text.strip_prefix(b"L").unwrap_or(text);
            for row in &table.modules {
                if begins(&row.clues, name) || begins(&row.clues, text) {
                    self.modules.insert(row.module.clone());
                }
            }
            self.uses.text |= begins(&table.text.clues, name);
            self.uses.sound |= begins(&table.sound.clues, name);
        }
    }
}

/// The modules of a runtime without a program.
pub(super) fn whole() -> BTreeSet<String> {
    let of_table = table().into_iter().flat_map(|table| &table.modules).map(|row| row.module.clone());
    of_table.chain(WHOLE.map(String::from)).filter(|module| module != "jdk.compiler").collect()
}

/// Does a text begin as one of the clues does? In strings, dots stand for the slashes.
fn begins(clues: &[String], text: &[u8]) -> bool {
    clues.iter().any(|clue| {
        text.len() >= clue.len()
            && clue.bytes().zip(text).all(|(clue, letter)| clue == *letter || clue == b'/' && *letter == b'.')
    })
}

fn table() -> Option<&'static Table> {
    static ROWS: OnceLock<Option<Table>> = OnceLock::new();
    // The table is part of the program, and tests read it.
    ROWS.get_or_init(|| toml::from_str(TABLE).ok()).as_ref()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{super::class::testing::class, *};

    #[test]
    fn the_table_is_sound() {
        let table = table().unwrap();
        let names: BTreeSet<&str> = table.modules.iter().map(|row| &*row.module).collect();
        assert_eq!(names.len(), table.modules.len());
        let clues = table
            .modules
            .iter()
            .flat_map(|row| &row.clues)
            .chain(&table.text.clues)
            .chain(&table.sound.clues);
        for clue in clues {
            assert!(clue.contains('/') && !clue.contains('.'), "{clue}");
        }
        assert!(table.modules.iter().all(|row| !row.clues.is_empty() && !row._why.is_empty()));
    }

    #[test]
    fn texts_of_classes_are_clues() {
        for (text, modules, draws) in [
            ("java/net/http/HttpClient", &["jdk.crypto.ec"][..], false),
            ("Ljavax/management/MBeanServer;", &["java.management"], false),
            ("sun.misc.Unsafe", &["jdk.unsupported"], false),
            ("javax.naming.directory.InitialDirContext", &["java.naming", "jdk.naming.dns"], false),
            ("java/awt/Font", &[], true),
            ("java/beans/Introspector", &[], false),
            ("my/javax/naming/Context", &[], false),
        ] {
            let bytes = class(61, &[text]);
            let mut clues = Clues::default();
            clues.add(&Class::read(&bytes).unwrap());
            assert_eq!(clues.modules.iter().map(String::as_str).collect::<Vec<_>>(), modules, "{text}");
            assert_eq!(clues.uses.text, draws, "{text}");
        }
    }

    #[test]
    fn a_runtime_without_a_program_is_whole() {
        let whole = whole();
        for module in ["java.se", "jdk.localedata", "jdk.charsets", "jdk.zipfs"] {
            assert!(whole.contains(module), "{module}");
        }
        assert!(!whole.contains("jdk.compiler") && Uses::of(&whole).text);
    }
}
