//! Arguments of the commands that analyse who holds what.

use super::{Output, address};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A dump, and how to print what is found in it.
#[derive(Debug, Args)]
pub struct Analysed {
    /// The dump; `-` reads standard input.
    pub file: PathBuf,
    /// Rows to print at most, 0 for all.
    #[arg(short = 'n', value_name = "N", default_value_t = 30)]
    rows: usize,
    #[command(flatten)]
    pub output: Output,
}

impl Analysed {
    /// Rows to print at most.
    pub fn limit(&self) -> usize {
        if self.rows == 0 { usize::MAX } else { self.rows }
    }
}

#[derive(Debug, Args)]
pub struct RetainedHeap {
    /// The dump; `-` reads standard input.
    #[arg(value_name = "FILE", required_unless_present = "file")]
    dump: Option<PathBuf>,
    /// The dump, as an option.
    #[arg(long, conflicts_with = "dump")]
    file: Option<PathBuf>,
    /// Objects to print at most, 0 for all.
    #[arg(short = 'n', long = "top-n", value_name = "N", default_value_t = 30)]
    rows: usize,
    #[command(flatten)]
    pub output: Output,
}

impl RetainedHeap {
    /// The dump, however it was given.
    pub fn file(&self) -> &Path {
        self.dump.as_deref().or(self.file.as_deref()).unwrap_or(Path::new("-"))
    }

    /// Objects to print at most.
    pub fn limit(&self) -> usize {
        if self.rows == 0 { usize::MAX } else { self.rows }
    }
}

#[derive(Debug, Args)]
pub struct Modules {
    /// What to sort by, largest first.
    #[arg(long, value_enum, default_value_t = GroupOrder::Retained)]
    pub sort: GroupOrder,
    #[command(flatten)]
    pub analysed: Analysed,
}

/// What groups of objects are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupOrder {
    /// Bytes that would be freed if all of them went.
    Retained,
    /// Bytes kept from the allocator.
    Allocated,
    /// What `sys.getsizeof` answers.
    Shallow,
    /// Number of objects.
    Count,
}

#[derive(Debug, Args)]
pub struct Paths {
    #[command(flatten)]
    pub analysed: Analysed,
    /// Address of the object, hexadecimal (0x…) or decimal.
    #[arg(value_parser = address, required_unless_present = "all_merged")]
    pub address: Option<u64>,
    /// Merge the paths of all instances of this type, such as `app.Session`.
    #[arg(long, value_name = "TYPE", conflicts_with = "address")]
    pub all_merged: Option<String>,
}

#[derive(Debug, Args)]
pub struct Dominators {
    #[command(flatten)]
    pub analysed: Analysed,
    /// Start at this object instead of the root.
    #[arg(value_parser = address)]
    pub address: Option<u64>,
    /// Leave out what holds less than this share of the whole, in percent.
    #[arg(long, default_value_t = 1.0)]
    pub share: f64,
    /// Levels to print at most.
    #[arg(long, default_value_t = 12)]
    pub depth: usize,
}

#[derive(Debug, Args)]
pub struct Leaks {
    #[command(flatten)]
    pub analysed: Analysed,
    /// Leave out what holds less than this share of the whole, in percent.
    #[arg(long, default_value_t = 5.0)]
    pub share: f64,
}

#[derive(Debug, Args)]
pub struct Query {
    #[command(flatten)]
    pub analysed: Analysed,
    /// CEL (cel.dev) over `type` and `module` (texts), `shallow`, `allocated` and `retained` (bytes), `length` (0 where there is none),
    /// `refcount`, `address`, `repr`.
    #[arg(value_name = "EXPR")]
    pub expression: String,
    /// Seconds that it may take, 0 for as long as it takes.
    #[arg(long, value_name = "S", default_value_t = 60)]
    timeout: u64,
}

impl Query {
    /// How long it may take, if not for ever.
    pub fn time(&self) -> Option<Duration> {
        (self.timeout > 0).then(|| Duration::from_secs(self.timeout))
    }
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The dump; `-` reads standard input.
    pub file: PathBuf,
    #[command(flatten)]
    pub output: Output,
}
#[derive(Debug, Args)]
pub struct Diff {
    /// The older dump.
    pub old: PathBuf,
    /// The newer dump.
    pub new: PathBuf,
    /// A third dump: shows what was allocated between the first two and is still there.
    pub newest: Option<PathBuf>,
    /// Rows to print at most, 0 for all.
    #[arg(short = 'n', value_name = "N", default_value_t = 30)]
    rows: usize,
    #[command(flatten)]
    pub output: Output,
}

impl Diff {
    /// Rows to print at most.
    pub fn limit(&self) -> usize {
        if self.rows == 0 { usize::MAX } else { self.rows }
    }
}
