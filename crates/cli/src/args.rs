//! What can be typed.

mod registry;

pub use registry::{Auth, AuthCheck, Login, Logout, Reach, Who};

use crate::show::chart::By;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

/// Builds container images that hold what the program needs and nothing else.
#[derive(Debug, Parser)]
#[command(name = "bantam", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// Everywhere.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Fail rather than change a lock
    #[arg(long, global = true)]
    pub locked: bool,
    /// Use no network
    #[arg(long, global = true)]
    pub offline: bool,
    /// The lock, if it is not beside the spec
    #[arg(long, global = true, value_name = "FILE")]
    pub lock_file: Option<PathBuf>,
    /// How many threads work; default: one for each processor
    #[arg(long, short, global = true, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Only this platform, such as linux/arm64; may be repeated
    #[arg(long, global = true, value_name = "PLATFORM", value_delimiter = ',')]
    pub platform: Vec<String>,
    #[command(flatten)]
    pub reach: Reach,
    /// Print results and errors only
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// How progress is shown
    #[arg(long, global = true, value_enum, default_value_t = Progress::Auto, value_name = "HOW")]
    pub progress: Progress,
}

/// How progress is shown, on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// Lines
    Plain,
    /// A JSON object a line
    Json,
    /// Nothing
    Quiet,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at a project and write its spec
    Init(Init),
    /// Build images and bring them to their destinations
    Build(Build),
    /// Would it start? Shows every finding, and builds nothing
    Check(Check),
    /// Build an image and run it with docker or podman, hardened as in production
    Run(Run),
    /// Show which libraries a program loads, as the loader would find them
    Deps(Deps),
    /// Show why a file or package is in an image: the chain from what the spec names
    Explain(Explain),
    /// Write the lock of a spec
    Lock(Lock),
    /// Move the pins of a lock to what is there now
    Update(Update),
    /// Keep all packages in a directory, for builds without a network
    Vendor(Vendor),
    /// Bring an image to a registry
    Push(Push),
    /// Bring an image from a registry to a place
    Pull(Pull),
    /// Bring an image from any place to any other, as it is
    Copy(Copy),
    /// Give an image to the Docker engine
    Load(Load),
    /// Make an index of images for several platforms
    #[command(subcommand)]
    Index(Index),
    /// Put an image upon a newer base: its own layers stay as they are
    Rebase(Rebase),
    /// Show the config and layers of an image
    Inspect(Image),
    /// List the files of an image
    Ls(Ls),
    /// Show the sizes of images side by side
    Compare(Compare),
    /// Keep who one is at a registry, if it knows that user and password
    Login(Login),
    /// Forget who one is at a registry
    Logout(Logout),
    /// Who one is at registries
    #[command(subcommand)]
    Auth(Auth),
    /// Show and prune what is kept to make builds fast
    #[command(subcommand)]
    Cache(Cache),
    /// Print the page about a finding: what it means, and what to do
    ExplainError(ExplainError),
    /// Print the JSON Schema of the spec
    Schema,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub struct Init {
    /// The project's folder; default: this one
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Print the spec, and write nothing
    #[arg(long)]
    pub stdout: bool,
}

#[derive(Debug, Args)]
pub struct Build {
    /// Specs (*.toml, or a folder with a bantam.toml), globs of them, or programs; default: ./bantam.toml
    #[arg(value_name = "SPEC|PROGRAM")]
    pub targets: Vec<PathBuf>,
    #[arg(
        long,
        short,
        value_name = "DEST",
        help = "Where the image goes: oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], \
                docker-daemon:REF, s3://BUCKET/KEY, gs://…, az://…; may be repeated"
    )]
    pub output: Vec<String>,
    /// Push to name:tags of the spec
    #[arg(long)]
    pub push: bool,
    /// Leave the reasons of each file beside the image in the registry, where `explain` finds them
    #[arg(long)]
    pub attach_reasons: bool,
    #[arg(
        long,
        value_name = "IMAGE",
        help = "Tell how much larger it is than this image, and which files grew most"
    )]
    pub baseline: Option<String>,
    /// Build every image that can be built, and tell at the end which cannot
    #[arg(long)]
    pub keep_going: bool,
    #[arg(
        long,
        value_name = "DIR|REF",
        help = "A cache that is asked for what this machine's lacks: a directory, s3://BUCKET/PREFIX, gs://…, az://…, \
                or docker://REGISTRY/REPOSITORY; may be repeated"
    )]
    pub cache_from: Vec<String>,
    /// A cache that gets what is written, for other machines; may be repeated
    #[arg(long, value_name = "DIR|REF")]
    pub cache_to: Vec<String>,
    #[command(flatten)]
    pub receipts: Receipts,
    #[command(flatten)]
    pub who: Who,
}

/// Files that say what was built; written only when everything was.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Files that say what was built")]
pub struct Receipts {
    /// JSON with the keys of buildx
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// The digest of the manifest or index
    #[arg(long, value_name = "FILE")]
    pub digest_file: Option<PathBuf>,
    /// A line name@digest for each image
    #[arg(long, value_name = "FILE")]
    pub image_refs: Option<PathBuf>,
    /// The image ID: the digest of the config
    #[arg(long, value_name = "FILE")]
    pub iidfile: Option<PathBuf>,
    /// Why each file is in the image, as JSON
    #[arg(long, value_name = "FILE")]
    pub reasons: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Check {
    /// A spec or a program; default: ./bantam.toml
    #[arg(value_name = "SPEC|PROGRAM")]
    pub target: Option<PathBuf>,
    /// Make warnings errors
    #[arg(long)]
    pub strict: bool,
    /// Print findings as JSON Lines
    #[arg(long)]
    pub json: bool,
    /// Print findings as SARIF 2.1.0, for code scanning
    #[arg(long, conflicts_with = "json")]
    pub sarif: bool,
    #[arg(
        long,
        value_name = "IMAGE",
        help = "Tell how much larger it is than this image, and which files grew most"
    )]
    pub baseline: Option<String>,
    /// Write why each file is in the image, as JSON
    #[arg(long, value_name = "FILE")]
    pub reasons: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ExplainError {
    /// Its code or name, such as B0101, 101 or missing-library; without one, all are listed
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

#[derive(Debug, Args)]
pub struct Run {
    /// A spec or a program; default: ./bantam.toml
    #[arg(value_name = "SPEC|PROGRAM")]
    pub target: Option<PathBuf>,
    /// Arguments for the program
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Deps {
    /// ELF files or scripts
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// See the files and their libraries in this root file system
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Print JSON Lines, one object for each file
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(override_usage = "bantam explain [OPTIONS] [SPEC|PROGRAM|IMAGE] [PATH]")]
pub struct Explain {
    /// A spec, a program, an image, or a file that --reasons wrote; default: ./bantam.toml
    #[arg(value_name = "SPEC|PROGRAM|IMAGE")]
    pub subject: Option<String>,
    /// A path of the image, a program on its PATH, the name of a library or file, or a package
    #[arg(value_name = "PATH")]
    pub path: Option<String>,
    /// Show every chain, not only the shortest; with --tree and --without, every file
    #[arg(long)]
    pub all: bool,
    /// Show a tree: all that wants PATH; without PATH, the whole image from what was asked for
    #[arg(long)]
    pub tree: bool,
    /// Show what would go with this path, library or package, and what would no longer start; may be
    /// repeated
    #[arg(long, value_name = "PATH", conflicts_with_all = ["tree"])]
    pub without: Vec<String>,
    /// Print JSON Lines
    #[arg(long)]
    pub json: bool,
    /// Write why each file is in the image, as JSON
    #[arg(long, value_name = "FILE")]
    pub reasons: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Update {
    /// A spec, default ./bantam.toml; and packages whose pins move, default all
    #[arg(value_name = "SPEC|PACKAGE")]
    pub words: Vec<String>,
    /// Print what would change, and change nothing
    #[arg(long)]
    pub diff: bool,
}

#[derive(Debug, Args)]
pub struct Vendor {
    /// The directory
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The spec; default: ./bantam.toml
    #[arg(value_name = "SPEC")]
    pub spec: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Lock {
    /// A spec; default: ./bantam.toml
    #[arg(value_name = "SPEC")]
    pub target: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Push {
    #[arg(
        value_name = "SRC",
        help = "The image: oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], …"
    )]
    pub source: String,
    /// host/name[:tag]; without a tag, those that the image has, else latest
    #[arg(value_name = "REF")]
    pub reference: String,
    /// Give it no tag: it is found by its digest, and may be joined with others later
    #[arg(long)]
    pub by_digest: bool,
    /// Write the digest of the manifest or index
    #[arg(long, value_name = "FILE")]
    pub digest_file: Option<PathBuf>,
    #[command(flatten)]
    pub who: Who,
}

#[derive(Debug, Args)]
pub struct Pull {
    /// host/name[:tag|@digest]
    #[arg(value_name = "REF")]
    pub reference: String,
    /// oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF] or docker-daemon:REF
    #[arg(value_name = "DEST")]
    pub destination: String,
    #[command(flatten)]
    pub who: Who,
}

#[derive(Debug, Args)]
pub struct Copy {
    /// The image, in any place
    #[arg(value_name = "SRC")]
    pub source: String,
    /// Where it goes; without a name there, it keeps its own
    #[arg(value_name = "DEST")]
    pub destination: String,
    /// Write the digest of the manifest or index
    #[arg(long, value_name = "FILE")]
    pub digest_file: Option<PathBuf>,
    #[command(flatten)]
    pub who: Who,
}

#[derive(Debug, Args)]
pub struct Load {
    /// The image, in any place
    #[arg(value_name = "SRC")]
    pub source: String,
}

#[derive(Debug, Subcommand)]
pub enum Index {
    /// Join images, each for its platform, into one index
    Create(IndexCreate),
}

#[derive(Debug, Args)]
pub struct IndexCreate {
    /// Where the index goes; may be repeated
    #[arg(long, short, required = true, value_name = "DEST")]
    pub output: Vec<String>,
    /// Images, such as host/name@sha256:…; an index gives all of its images
    #[arg(required = true, value_name = "REF")]
    pub images: Vec<String>,
    /// An annotation of the index; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub annotation: Vec<String>,
    /// Give it no tag
    #[arg(long)]
    pub by_digest: bool,
    /// Write the digest of the index
    #[arg(long, value_name = "FILE")]
    pub digest_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Rebase {
    /// The image
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// The base that it goes upon
    #[arg(long, value_name = "BASE")]
    pub onto: String,
    /// The base that it is built upon; default: the one that its annotations name
    #[arg(long, value_name = "BASE")]
    pub from: Option<String>,
    /// Where it goes; may be repeated
    #[arg(long, short, value_name = "DEST", required = true)]
    pub output: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Image {
    #[arg(help = "oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF] or docker-daemon:REF")]
    pub image: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Ls {
    #[command(flatten)]
    pub image: Image,
    /// Only what is at or below this path
    pub path: Option<String>,
}

#[derive(Debug, Args)]
pub struct Compare {
    #[arg(
        required = true,
        value_name = "IMAGE",
        help = "Images, in any places: oci:DIR[:REF], docker-daemon:REF, host/name:tag, …; the first is what the others are \
                measured by"
    )]
    pub images: Vec<String>,
    /// Draw a chart: a file that ends in .svg, .html or .png; may be repeated
    #[arg(long, short, value_name = "FILE")]
    pub output: Vec<PathBuf>,
    /// What the bars of the chart are stacked by
    #[arg(long, value_enum, default_value_t = By::Kind, value_name = "WHAT")]
    pub by: By,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Cache {
    /// Print the folder of the cache
    Dir,
    /// Show how much is in the cache
    Size {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove what was not used for long; it is safe beside builds that are running
    Prune(Prune),
}

#[derive(Debug, Args)]
pub struct Prune {
    #[arg(
        long,
        value_name = "TIME",
        value_parser = duration,
        help = "Remove what was not used for this long, such as 30d, 12h or 90m; default, without --max-size: 30d"
    )]
    pub max_age: Option<Duration>,
    #[arg(
        long,
        value_name = "SIZE",
        value_parser = plan::spec::size,
        help = "Then remove what was used least recently, until no more than this is left, such as 10GB"
    )]
    pub max_size: Option<u64>,
    /// Also the images of builds without -o, as a whole
    #[arg(long)]
    pub images: bool,
    /// Remove everything, also those images
    #[arg(long, conflicts_with_all = ["max_age", "max_size"])]
    pub all: bool,
    /// Remove nothing, but tell what would be
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Reads the command line; clap answers mistakes itself, with exit code 2.
pub fn parse() -> Cli {
    Cli::parse()
}

/// Reads a time that passes: `30d`, `12h`, `90m`, `45s`, `2w`.
fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(char, u64); 5] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = UNITS.iter().find(|(letter, _)| unit.chars().eq([*letter])).map(|(_, factor)| *factor);
    let seconds =
        number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    seconds.map(Duration::from_secs).ok_or_else(|| "write a number and a unit, as 30d, 12h or 90m".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, want) in [("30d", 2_592_000), ("12h", 43_200), ("90m", 5400), ("0s", 0), ("2w", 1_209_600)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(want)), "{text}");
        }
        for text in
            ["", "30", "d", "-1d", "1.5d", "30 d", "30days", "1h30m", "99999999999999999999d", "2e9w", "ü"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
