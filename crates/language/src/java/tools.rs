//! The tools of a development kit, `jdeps` and `jlink`, run on the builder: those of the suite that the packages of an image
//! are of, else those of the runtime source where it is of the builder's architecture, else those of this machine.

use super::jdk::Jdk;
use crate::{
    Ask, LanguageError,
    tool::{self, LaidOut},
};
use plan::spec::RuntimeSource;
use source::Directory;
use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};
use tree::{Sha256Digest, TreePath, View};

/// No tool needs longer.
const LIMIT: Duration = Duration::from_secs(600);

/// A tool.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tool {
    /// Tells on which modules classes depend.
    Jdeps,
    /// Links runtimes.
    Jlink,
}

/// The tools of a kit.
pub(super) struct Tools<'a> {
    view: Arc<dyn View + 'a>,
    jdk: Jdk,
    /// Stands for the kit.
    pub digest: Sha256Digest,
    /// Its home where it runs as it is; none: it is laid out before.
    here: Option<PathBuf>,
    laid: OnceCell<LaidOut>,
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Tool::Jdeps => "jdeps",
            Tool::Jlink => "jlink",
        }
    }

    /// Its module and main class. The programs of a kit start the same.
    fn main(self) -> &'static str {
        match self {
            Tool::Jdeps => "jdk.jdeps/com.sun.tools.jdeps.Main",
            Tool::Jlink => "jdk.jlink/jdk.tools.jlink.internal.Main",
        }
    }
}

/// The kit that this machine's Java is of: `JAVA_HOME`, else that of `java` on `PATH`.
pub(super) fn home_here() -> Option<PathBuf> {
    let named =
        std::env::var_os("JAVA_HOME").map(PathBuf::from).filter(|home| home.join("release").is_file());
    let on_path = || {
        let java = tool::find("jlink").or_else(|| tool::find("java"))?.canonicalize().ok()?;
        Some(java.parent()?.parent()?.to_path_buf())
    };
    named.or_else(on_path)
}

impl<'a> Tools<'a> {
    /// The tools that fit a target's kit.
    ///
    /// # Errors
    /// When they cannot be had.
    pub fn find(ask: &Ask<'a>, target: &Jdk) -> Result<Self, LanguageError> {
        let builder = ask.workshop.builder;
        match &ask.spec.runtime.source {
            RuntimeSource::Archive(_) => {
                let packages = [format!("openjdk-{}-jdk-headless", target.feature)];
                let root = ask.workshop.tools.root(&packages, builder)?;
                let jdk = Jdk::newest(&*root.view)?.ok_or_else(|| LanguageError::NoPackages {
                    packages: packages.to_vec(),
                    purpose: "linking a runtime of Java".into(),
                    why: "they have no JDK".into(),
                })?;
                jdk.must_fit(target, &packages.join(", "))?;
                Ok(Tools { view: root.view, jdk, digest: root.digest, here: None, laid: OnceCell::new() })
            }
            RuntimeSource::Host => {
                let here = Some(PathBuf::from(target.home.as_str()));
                let digest = target.identity(ask.runtime)?;
                let view = Arc::new(ask.runtime);
                Ok(Tools { view, jdk: target.clone(), digest, here, laid: OnceCell::new() })
            }
            _ if ask.platform.architecture == builder => {
                let digest = target.identity(ask.runtime)?;
                let view = Arc::new(ask.runtime);
                Ok(Tools { view, jdk: target.clone(), digest, here: None, laid: OnceCell::new() })
            }
            _ => Tools::of_machine(ask, target),
        }
    }

    fn of_machine(ask: &Ask<'a>, target: &Jdk) -> Result<Self, LanguageError> {
        let none = || LanguageError::NoTool {
            tool: format!("jlink of Java {}", target.feature),
            purpose: format!("a runtime for {}", ask.platform),
        };
        let here = home_here().ok_or_else(none)?;
        let home = TreePath::parse(&here.display().to_string())?;
        let host = Directory::host().map_err(|error| LanguageError::Tools(Box::new(error)))?;
        let view = Arc::new(host.with_memory(ask.workshop.memory));
        let jdk = Jdk::at(&*view, &home)?.filter(|jdk| jdk.feature == target.feature).ok_or_else(none)?;
        jdk.must_fit(target, &format!("the jlink of {home}"))?;
        let digest = jdk.identity(&*view)?;
        Ok(Tools { view, jdk, digest, here: Some(here), laid: OnceCell::new() })
    }

    /// Is this the kit itself, where it stands on this machine?
    pub fn is(&self, target: &Jdk) -> Option<&Path> {
        self.here.as_deref().filter(|_| self.jdk.home == target.home)
    }

    /// Runs a tool, and gives what it answers.
    ///
    /// # Errors
    /// When it cannot be started, or fails.
    pub fn run(&self, tool: Tool, prepare: impl FnOnce(&mut Command)) -> Result<String, LanguageError> {
        let mut command = match &self.here {
            Some(home) => {
                let mut command = Command::new(home.join("bin").join("java"));
                command.env_clear();
                command
            }
            None => self.laid()?.command(),
        };
        // As the programs of the kit do, but for files that tell others of the run.
        command.args(["-XX:-UsePerfData", "-Duser.language=en", "--add-modules", "ALL-DEFAULT"]);
        command.args(["-m", tool.main()]);
        prepare(&mut command);
        let answer = tool::run(&mut command, tool.name(), LIMIT)?;
        Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
    }

    fn laid(&self) -> Result<&LaidOut, LanguageError> {
        if let Some(laid) = self.laid.get() {
            return Ok(laid);
        }
        let home = &self.jdk.home;
        let java = home.child("bin").child("java");
        // One that links itself looks at all of its own files.
        let mut parts = vec![home.child("lib"), home.child("conf"), home.child("release")];
        if self.jdk.jmods.is_none() {
            parts.extend(["bin", "legal"].map(|name| home.child(name)));
        }
        let lib = home.child("lib");
        let loaded =
            [lib.child("server").child("libjvm.so"), lib.child("libjava.so"), lib.child("libzip.so")];
        let laid = LaidOut::new(&*self.view, &java, &parts)?.with_libraries_of(&*self.view, &loaded)?;
        Ok(self.laid.get_or_init(|| laid))
    }
}
