//! Command lines of Java.

/// Variables whose words `java` takes for options.
pub const JAVA_OPTIONS: [&str; 3] = ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"];

const CLASS_PATH: [&str; 3] = ["-cp", "-classpath", "--class-path"];
/// Options whose value is the next word.
const WITH_VALUE: [&str; 7] = [
    "--add-exports",
    "--add-modules",
    "--add-opens",
    "--add-reads",
    "--enable-native-access",
    "--limit-modules",
    "--source",
];
/// The same, of those that bring classes from elsewhere.
const CLASSES: [&str; 4] = ["-p", "--module-path", "--patch-module", "--upgrade-module-path"];

/// What a command line of `java` says, up to what it starts.
#[derive(Debug, Default)]
pub struct JavaCommand<'w> {
    /// The files of agents, those of variables first.
    pub agents: Vec<&'w str>,
    /// The class path, as it is written.
    pub class_path: Option<&'w str>,
    /// Do options bring classes that no class path has?
    pub has_other_classes: bool,
    /// What it starts; none where it starts nothing.
    pub start: Option<JavaStart<'w>>,
}

/// What is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JavaStart<'w> {
    /// A jar.
    Jar(&'w str),
    /// A class, or a file with its source.
    Class(&'w str),
    /// A module.
    Module,
    /// What the words of this file say.
    Arguments(&'w str),
}

impl<'w> JavaCommand<'w> {
    /// Reads the words behind `java`, and those of [variables](JAVA_OPTIONS).
    pub fn of(
        words: impl IntoIterator<Item = &'w str>,
        of_variables: impl IntoIterator<Item = &'w str>,
    ) -> Self {
        let mut command = JavaCommand::default();
        of_variables.into_iter().for_each(|word| command.option(word));
        let mut words = words.into_iter();
        let mut is_jar = false;
        while let Some(word) = words.next() {
            if word == "-jar" {
                // A mode: more options may follow.
                is_jar = true;
            } else if CLASS_PATH.contains(&word) {
                command.class_path = words.next();
            } else if WITH_VALUE.contains(&word) {
                words.next();
            } else if CLASSES.contains(&word) {
                command.has_other_classes = true;
                words.next();
            } else if matches!(word, "-version" | "--version" | "-help" | "--help") {
                return command;
            } else if matches!(word, "-m" | "--module") || word.starts_with("--module=") {
                command.start = Some(JavaStart::Module);
                return command;
            } else if let Some(file) = word.strip_prefix('@') {
                command.start = Some(JavaStart::Arguments(file));
                return command;
            } else if word.starts_with('-') {
                command.option(word);
            } else {
                command.start = Some(if is_jar { JavaStart::Jar(word) } else { JavaStart::Class(word) });
                return command;
            }
        }
        command
    }

    /// Takes in an option that is one word.
    fn option(&mut self, word: &'w str) {
        let name = word.split('=').next().unwrap_or(word);
        let is_boot =
            ["-Xbootclasspath/a:", "-Xbootclasspath/p:"].iter().any(|option| word.starts_with(option));
        self.has_other_classes |= is_boot || CLASSES.contains(&name);
        if let Some(path) = word.strip_prefix("--class-path=") {
            self.class_path = Some(path);
        }
        let agent = ["-javaagent:", "-agentpath:"].iter().find_map(|option| word.strip_prefix(option));
        self.agents.extend(agent.map(|agent| agent.split('=').next().unwrap_or(agent)));
    }
}
