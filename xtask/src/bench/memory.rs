//! The peak memory of a daemon while a client waits for it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::step::Outcome;

/// A process, with all that it has started.
#[derive(Clone, Copy)]
pub struct Daemon(pub u32);

impl Daemon {
    /// From now on, peaks are new ones.
    pub fn forget_peak(&self) -> Outcome {
        for process in self.tree() {
            let file = process.join("clear_refs");
            // 5 resets the peak resident set: proc_pid_clear_refs(5). One that has ended meanwhile has none.
            if let Err(error) = fs::write(&file, "5")
                && process.exists()
            {
                return Err(format!("{}: {error}", file.display()));
            }
        }
        Ok(())
    }

    /// The sum of the peaks, in bytes: an upper limit, because they need not have been at the same moment.
    pub fn peak(&self) -> Outcome<f64> {
        let peak = |process: PathBuf| number(&process, "VmHWM:").map(|kibibytes| kibibytes as f64 * 1024.0);
        let sum = self.tree().into_iter().filter_map(peak).sum();
        if sum > 0.0 { Ok(sum) } else { Err(format!("process {}: it has ended", self.0)) }
    }

    fn tree(&self) -> Vec<PathBuf> {
        let mut tree = vec![self.0];
        let parents = parents();
        let mut at = 0;
        while let Some(parent) = tree.get(at).copied() {
            tree.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(process, _)| *process));
            at += 1;
        }
        tree.into_iter().map(|process| PathBuf::from(format!("/proc/{process}"))).collect()
    }
}

/// All processes with their parents.
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    processes
        .filter_map(|process| {
            let parent = number(Path::new(&format!("/proc/{process}")), "PPid:")?;
            Some((process, u32::try_from(parent).ok()?))
        })
        .collect()
}

/// A number of `/proc/PID/status`; none when the process has ended.
fn number(process: &Path, key: &str) -> Option<u64> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_a_process_has_started_counts_too() {
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 60 & echo started; read line; kill $!"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let daemon = Daemon(shell.id());
        let mut started = [0; 8];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut started).unwrap();
        let (tree, forgotten, peak) = (daemon.tree(), daemon.forget_peak(), daemon.peak());
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert_eq!(tree.len(), 2, "{tree:?}");
        assert_eq!(forgotten, Ok(()));
        assert!(peak.unwrap() > 500_000.0);
        assert!(daemon.peak().is_err());
    }
}
