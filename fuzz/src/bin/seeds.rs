//! `seeds DIR`: writes the inputs to start from into `DIR/TARGET/`.

// What counts coverage is in there.
use libfuzzer_sys as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let Some(dir) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: seeds DIR");
        return ExitCode::FAILURE;
    };
    let write = || -> io::Result<()> {
        for (target, seeds) in fuzz::seeds() {
            let dir = dir.join(target);
            fs::create_dir_all(&dir)?;
            for (number, bytes) in seeds.iter().enumerate() {
                fs::write(dir.join(format!("seed-{number:03}")), bytes)?;
            }
        }
        Ok(())
    };
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", dir.display());
            ExitCode::FAILURE
        }
    }
}
