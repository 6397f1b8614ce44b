//! The table of all codes: one row for each sort of problem. A new [`Problem`] needs a row here, words
//! in `words.rs`, a case in `tests/findings`, and a page in `docs/findings`.

use super::{Problem, Severity};
use crate::nearest::nearest;

/// What all findings of one sort have in common. None of it changes once it was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The code: `B0101`.
    pub id: &'static str,
    /// A short name for it: `missing-library`.
    pub name: &'static str,
    /// How bad it is unless circumstances say otherwise.
    pub severity: Severity,
    /// What it means, in one line without a full stop.
    pub title: &'static str,
}

macro_rules! codes {
    ($($id:literal $variant:ident $name:literal $severity:ident $title:literal)+) => {
        /// Every code there is, in order.
        pub const CODES: &[Code] = &[
            $(Code { id: $id, name: $name, severity: Severity::$severity, title: $title }),+
        ];

        impl Problem {
            /// What all problems of this sort have in common.
            pub fn about(&self) -> &'static Code {
                match self {
                    $(Problem::$variant { .. } => {
                        &Code { id: $id, name: $name, severity: Severity::$severity, title: $title }
                    })+
                }
            }
        }
    };
}

// 01 loading of ELF files · 02 scripts · 03 the process · 04 what goes where · 05 policy · 06 limits · 07 languages
codes! {
    "B0101" MissingLibrary "missing-library" Error
        "A library that a program needs is not in the image"
    "B0102" MissingVersion "missing-symbol-version" Error
        "A library is too old for a program that uses it"
    "B0103" MissingInterpreter "missing-loader" Error
        "The loader of a program is not in the image, or cannot be used"
    "B0104" WrongMachine "wrong-machine" Error
        "A program or library is built for another machine than the image"
    "B0105" OffSearchPath "library-off-search-path" Warning
        "A library is in the image, where no loader looks for it"
    "B0106" DamagedElf "damaged-elf" Error
        "A program or library is cut short or damaged"
    "B0107" MissingDlopen "missing-dlopen" Error
        "A library that the spec lists under dlopen is nowhere"
    "B0108" MissingRunTimeLoad "missing-run-time-library" Warning
        "A library that the C library loads by itself is nowhere"
    "B0109" MissingCompanion "missing-companion-files" Error
        "A program does not start without files that are not in the image"
    "B0110" Unversioned "library-without-versions" Warning
        "A library has no symbol versions, and programs ask for some"
    "B0111" MissingOfProfile "missing-of-profile" Warning
        "Something that the profile stands for is not in the source"
    "B0112" UndefinedSymbol "undefined-symbol" Warning
        "A symbol that a program or library needs is defined nowhere"
    "B0113" PluginsNotTaken "plugins-not-taken" Notice
        "A program looks by name for files that were not taken"
    "B0114" MissingNoted "missing-noted-library" Error
        "A library that a file says it does not work without is nowhere"
    "B0115" Mentioned "mentioned-library" Notice
        "A constant of a program reads like a library that is absent"
    "B0116" PluginsLeftOut "plugins-left-out" Notice
        "Plugins are left out, because a library that they need is nowhere"
    "B0117" NotedNotTaken "noted-libraries-not-taken" Notice
        "A file recommends libraries that were not taken"
    "B0118" NewerProcessor "newer-processor" Notice
        "Programs run on newer processors of the platform only"

    "B0201" MissingScriptInterpreter "missing-script-interpreter" Error
        "The interpreter that a script names is not in the image"
    "B0202" MissingOnPath "interpreter-not-on-path" Error
        "An interpreter that a script looks for is not on the image's PATH"

    "B0301" MissingProgram "missing-program" Error
        "The program of entrypoint or cmd is not in the image"
    "B0302" NotExecutable "not-executable" Error
        "The program of entrypoint or cmd cannot be executed"
    "B0303" NotAllowed "permission-denied" Error
        "The user of the process may not use what the process needs"
    "B0304" NoProcess "no-process" Warning
        "The spec has neither entrypoint nor cmd"
    "B0305" MissingWorkdir "missing-workdir" Error
        "The working directory is not in the image, or is no directory"
    "B0306" UnknownUser "unknown-user" Error
        "A user or group is named that the image does not know"
    "B0307" VolumeNotWritable "volume-not-writable" Warning
        "The user of the process may not write a volume"
    "B0308" EnvPath "environment-leads-nowhere" Warning
        "A variable of the environment leads to what is not in the image"
    "B0309" VolumeNoDirectory "volume-no-directory" Error
        "A volume is to be where the image has a file"
    "B0310" UserOfBase "user-of-base" Error
        "A user of the spec has other numbers in the base image"
    "B0311" MissingArgument "missing-argument" Error
        "A file that the interpreter is told to open is not in the image"

    "B0401" NothingTaken "nothing-taken" Error
        "The from of a [[files]] takes no file"
    "B0402" NothingKept "nothing-kept" Error
        "A keep matches no file of the source"
    "B0403" ManyToOne "many-to-one" Error
        "Several files are to become one"
    "B0404" BadPath "bad-path" Error
        "A path of the spec is none that an image can have"
    "B0405" Conflict "path-conflict" Error
        "Two different things are to be at one path"
    "B0406" NotADirectory "not-a-directory" Error
        "Something is to be put below what is no directory"
    "B0407" SpecialFile "special-file" Error
        "A device, socket or named pipe is among the files"
    "B0408" DanglingLink "dangling-link" Error
        "A symbolic link leads to nothing in the image"
    "B0409" LinkRefused "link-refused" Error
        "A symbolic link is among files that allow none"
    "B0410" NothingDropped "nothing-dropped" Notice
        "A drop leaves nothing out"
    "B0411" MissingPackage "missing-package" Error
        "A package that is wanted is not in the source"
    "B0412" BadCertificates "bad-certificates" Error
        "A file of ca has no certificates"
    "B0413" NoBusybox "no-busybox" Error
        "The debug variant needs a busybox, and the source has none"
    "B0414" PackagesClash "packages-clash" Error
        "Two packages have different files at one path"
    "B0415" ScriptNotRun "script-not-run" Warning
        "A package's own script does more than bantam does for it"
    "B0416" OverBase "over-base" Notice
        "Something takes the place of what the base image has"
    "B0417" PackageVersions "package-versions" Warning
        "A package of base and source has two versions"

    "B0501" Secret "secret" Error
        "A file looks like a key, a password or a token"
    "B0502" Shell "shell" Error
        "A shell is in the image, and nobody asked for it"
    "B0503" Setuid "setuid" Error
        "Whoever starts a program gets the rights of its owner or group"
    "B0504" WorldWritable "world-writable" Error
        "A file or directory may be changed by every user"
    "B0505" RootUser "root-user" Error
        "The process runs as root"

    "B0601" OverLimit "over-limit" Error
        "The image is larger than the spec allows"

    "B0701" NoRuntime "missing-runtime" Error
        "The runtime of a language is not in the source"
    "B0702" UnfitPackage "unfit-package" Error
        "A package is built for another runtime or platform"
    "B0703" NotPrebuilt "not-prebuilt" Error
        "A package is there as source only, and would have to be built"
    "B0704" DamagedPackage "damaged-package" Error
        "A package of a language is not what it says"
    "B0705" StaleLock "stale-language-lock" Error
        "The lock of a language is missing, or out of date"
    "B0706" NewerClasses "newer-classes" Error
        "Classes of a jar are compiled for a newer Java"
    "B0707" MissingModule "missing-module" Error
        "A module that an application names is nowhere"
    "B0708" Shed "left-out-of-dependencies" Notice
        "Files of dependencies are left out, by their sort"
    "B0709" InstallScript "install-script-not-run" Warning
        "A package of a language has a script that is not run"
    "B0710" MissingClass "missing-main-class" Error
        "The class that a program starts with is in no jar"
    "B0711" MissingPackages "missing-java-packages" Warning
        "Classes of a program use packages that no jar has"
    "B0712" PackageManager "package-manager" Error
        "The process starts with a package manager"
    "B0713" LeftOutOfLibrary "left-out-of-standard-library" Warning
        "A module that an application imports is left out"
    "B0714" ProgramOfSource "program-of-source" Notice
        "The program of the process is not that of a dependency"
}

impl Code {
    /// What its group is about, in a word: `loading`.
    pub fn group(&self) -> &'static str {
        match self.id.get(1..3) {
            Some("01") => "loading",
            Some("02") => "scripts",
            Some("03") => "process",
            Some("04") => "files",
            Some("05") => "policy",
            Some("07") => "languages",
            _ => "limits",
        }
    }

    /// The code that a text stands for: `B0101`, `b0101`, `101` or `missing-library`.
    pub fn find(text: &str) -> Option<&'static Code> {
        let text = text.trim().to_ascii_lowercase();
        let digits = text.strip_prefix('b').unwrap_or(&text);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let digits = digits.trim_start_matches('0');
        CODES.iter().find(|code| {
            let own = code.id.trim_start_matches(['B', '0']);
            code.name == text || is_number && own == digits
        })
    }

    /// The codes that somebody may have meant by a text that is none: the nearest name, else those
    /// of the same group, else none.
    pub fn near(text: &str) -> Vec<&'static Code> {
        let text = text.trim().to_ascii_uppercase();
        let digits = text.strip_prefix('B').unwrap_or(&text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let group: String = format!("{digits:0>4}").chars().take(2).collect();
            return CODES.iter().filter(|code| code.id.get(1..3) == Some(&*group)).collect();
        }
        let name = nearest(&text, CODES.iter().map(|code| code.name));
        CODES.iter().filter(|code| Some(code.name) == name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rows_are_in_order_and_each_says_something_of_its_own() {
        assert!(CODES.is_sorted_by(|a, b| a.id < b.id), "codes are in order, and each is there once");
        let names: BTreeSet<_> = CODES.iter().map(|code| code.name).collect();
        let titles: BTreeSet<_> = CODES.iter().map(|code| code.title).collect();
        assert_eq!((names.len(), titles.len()), (CODES.len(), CODES.len()));
        for code in CODES {
            let digits = code.id.strip_prefix('B').unwrap_or_default();
            assert!(digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{}", code.id);
            assert!(code.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", code.name);
            assert!(!code.title.ends_with('.') && code.title.len() <= 66, "{}: {}", code.id, code.title);
        }
    }

    #[test]
    fn codes_are_found_as_people_write_them() {
        for text in ["B0101", "b0101", "101", "0101", " B101 ", "missing-library", "Missing-Library"] {
            assert_eq!(Code::find(text).map(|code| code.id), Some("B0101"), "{text}");
        }
        for text in ["", "b", "B", "0", "B9999", "1010", "library", "B0101x", "-1", "１０１"] {
            assert_eq!(Code::find(text), None, "{text}");
        }
    }

    #[test]
    fn the_nearest_codes_are_near() {
        let ids = |text| Code::near(text).iter().map(|code| code.id).collect::<Vec<_>>();
        assert_eq!(ids("mising-libary"), ["B0101"]);
        assert_eq!(ids("B0299"), ["B0201", "B0202"]);
        assert_eq!(ids("299"), ["B0201", "B0202"]);
        assert!(ids("B9999").is_empty() && ids("").is_empty() && ids("xyzzy").is_empty());
    }
}
