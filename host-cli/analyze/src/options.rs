//! The command line.

use crate::failure::EXIT_CODES;
use clap::{Args, Parser, Subcommand, ValueEnum};
use pyheap_engine::{Order, Page};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Rows of a table, unless `-n` is given. JSON and CSV are whole.
const TABLE_ROWS: usize = 30;

/// Tell what is in a pyheap dump.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
#[command(after_help = EXIT_CODES)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub summary: Summary,
}

/// Without a command: memory at a glance.
#[derive(Debug, Args)]
pub struct Summary {
    #[command(flatten)]
    pub input: WholeInput,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Where the dump comes from, its totals, and the process's memory.
    Info(Info),
    /// Objects and bytes by type.
    Types(Types),
    /// Threads with their frames and local variables.
    Threads(Threads),
    /// One object: what it refers to, and what holds it.
    Object(Object),
    /// The objects of largest retained size.
    RetainedHeap(RetainedHeap),
    /// Objects and bytes by the module that defines their type.
    Modules(Modules),
    /// Paths from roots to an object, or to all instances of a type.
    Paths(Paths),
    /// Dominator tree: what each object exclusively keeps alive.
    Dominators(Dominators),
    /// Where memory accumulates, and known causes.
    Leaks(Leaks),
    /// Objects that native code holds, by type.
    NativeRefs(NativeRefs),
    /// Reference cycles, and garbage that waits for a collection.
    Cycles(Cycles),
    /// Memory that could be saved: duplicates, spare capacity, missing `__slots__`.
    Waste(Waste),
    /// Growth between two dumps; with a third, what survived.
    Diff(Diff),
    /// The objects for which an expression holds, such as `type == 'str' && length > 1000`.
    Query(Query),
    /// Explore the dump in a browser: pages on the loopback interface, JSON under /api/v1.
    Serve(Serve),
    /// Write the most important of it into one HTML file that needs no server.
    Report(Report),
    /// Check the dump and the sums over it; exits with 6 if a check fails.
    Verify(Verify),
}

/// A dump, and how to print what is found in it.
#[derive(Debug, Args)]
pub struct Input {
    /// The dump; `-` reads standard input.
    pub file: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Input {
    pub fn path(&self) -> &Path {
        &self.file
    }

    pub fn page(&self) -> Page {
        self.output.page()
    }

    pub fn format(&self) -> Format {
        self.output.format
    }
}

/// A dump, and how to print an answer that has no rows to leave out.
#[derive(Debug, Args)]
pub struct WholeInput {
    /// The dump; `-` reads standard input.
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl WholeInput {
    pub fn path(&self) -> &Path {
        self.file.as_deref().unwrap_or(Path::new("-"))
    }

    pub fn page(&self) -> Page {
        Page::ALL
    }

    pub fn format(&self) -> Format {
        self.format
    }
}

/// How much of an answer is printed, and how.
#[derive(Debug, Args)]
pub struct Output {
    /// Rows to print at most, 0 for all [default: 30 in a table, otherwise all].
    #[arg(short = 'n', value_name = "N")]
    rows: Option<usize>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

impl Output {
    pub fn page(&self) -> Page {
        page(self.rows, self.format)
    }
}

fn page(rows: Option<usize>, format: Format) -> Page {
    match (rows, format) {
        (Some(0), _) => Page::ALL,
        (Some(rows), _) => Page::first(rows),
        (None, Format::Table) => Page::first(TABLE_ROWS),
        (None, _) => Page::ALL,
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: `docs/schema/` describes it; sizes in bytes, addresses as strings in hex.
    Json,
    /// For spreadsheets: sizes in bytes, ratios from 0 to 1.
    Csv,
}

#[derive(Debug, Args)]
pub struct Info {
    #[command(flatten)]
    pub input: WholeInput,
}

#[derive(Debug, Args)]
pub struct Threads {
    #[command(flatten)]
    pub input: WholeInput,
}

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    pub input: WholeInput,
}

#[derive(Debug, Args)]
pub struct NativeRefs {
    #[command(flatten)]
    pub input: Input,
}

#[derive(Debug, Args)]
pub struct Cycles {
    #[command(flatten)]
    pub input: Input,
}

#[derive(Debug, Args)]
pub struct Waste {
    #[command(flatten)]
    pub input: Input,
}

#[derive(Debug, Args)]
pub struct Types {
    #[command(flatten)]
    pub input: Input,
    /// What to sort by, largest first.
    #[arg(long, value_enum, default_value_t = TypeOrder::Allocated)]
    pub sort: TypeOrder,
}

/// What the rows of `types` are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TypeOrder {
    /// Bytes kept from the allocator.
    Allocated,
    /// What `sys.getsizeof` answers.
    Shallow,
    /// Number of objects.
    Count,
    /// Bytes that would be freed if all instances went.
    Retained,
    /// Name, from A to Z.
    Type,
}

impl From<TypeOrder> for Order {
    fn from(order: TypeOrder) -> Self {
        match order {
            TypeOrder::Allocated => Self::Allocated,
            TypeOrder::Shallow => Self::Shallow,
            TypeOrder::Count => Self::Count,
            TypeOrder::Retained => Self::Retained,
            TypeOrder::Type => Self::Name,
        }
    }
}

#[derive(Debug, Args)]
pub struct Modules {
    #[command(flatten)]
    pub input: Input,
    /// What to sort by, largest first.
    #[arg(long, value_enum, default_value_t = ModuleOrder::Retained)]
    pub sort: ModuleOrder,
}

/// What the rows of `modules` are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModuleOrder {
    /// Bytes that would be freed if all of the objects went.
    Retained,
    /// Bytes kept from the allocator.
    Allocated,
    /// What `sys.getsizeof` answers.
    Shallow,
    /// Number of objects.
    Count,
}

impl From<ModuleOrder> for Order {
    fn from(order: ModuleOrder) -> Self {
        match order {
            ModuleOrder::Retained => Self::Retained,
            ModuleOrder::Allocated => Self::Allocated,
            ModuleOrder::Shallow => Self::Shallow,
            ModuleOrder::Count => Self::Count,
        }
    }
}

#[derive(Debug, Args)]
pub struct Object {
    #[command(flatten)]
    pub input: Input,
    /// Address of the object, as `id()` gives it: hexadecimal (0x…) or decimal.
    #[arg(value_parser = address)]
    pub address: u64,
}

#[derive(Debug, Args)]
pub struct RetainedHeap {
    #[command(flatten)]
    pub input: RetainedInput,
}

/// As [`Input`], with the names that the options had before version 0.1.
#[derive(Debug, Args)]
pub struct RetainedInput {
    /// The dump; `-` reads standard input.
    #[arg(value_name = "FILE", required_unless_present = "file")]
    dump: Option<PathBuf>,
    /// The dump, as an option.
    #[arg(long, conflicts_with = "dump")]
    file: Option<PathBuf>,
    /// Objects to print at most, 0 for all [default: 30 in a table, otherwise all].
    #[arg(short = 'n', long = "top-n", value_name = "N")]
    rows: Option<usize>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl RetainedInput {
    pub fn path(&self) -> &Path {
        self.dump.as_deref().or(self.file.as_deref()).unwrap_or(Path::new("-"))
    }

    pub fn page(&self) -> Page {
        page(self.rows, self.format)
    }

    pub fn format(&self) -> Format {
        self.format
    }
}

#[derive(Debug, Args)]
pub struct Paths {
    #[command(flatten)]
    pub input: Input,
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
    pub input: Input,
    /// Start at this object instead of the root.
    #[arg(value_parser = address)]
    pub address: Option<u64>,
    /// Leave out what retains less than this share of the heap, in percent.
    #[arg(long, default_value_t = 1.0)]
    pub share: f64,
    /// Levels to print at most.
    #[arg(long, default_value_t = 12)]
    pub depth: usize,
}

#[derive(Debug, Args)]
pub struct Leaks {
    #[command(flatten)]
    pub input: Input,
    /// Leave out what retains less than this share of the heap, in percent.
    #[arg(long, default_value_t = 5.0)]
    pub share: f64,
}

#[derive(Debug, Args)]
pub struct Query {
    #[command(flatten)]
    pub input: Input,
    /// CEL (cel.dev) over `type` and `module` (texts), `shallow`, `allocated` and `retained` (bytes), `length` (0
    /// where there is none), `refcount`, `address`, `repr`.
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
pub struct Serve {
    /// The dump; `-` reads standard input.
    pub file: PathBuf,
    /// An older dump of the same program, to compare with.
    #[arg(long, value_name = "OLD")]
    pub baseline: Option<PathBuf>,
    /// Port to listen on; 0 takes any that is free.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Address or name to listen on: whoever can reach it needs the token of the URL.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,
    /// Do not open a browser.
    #[arg(long)]
    pub no_open: bool,
    /// Show nothing of what objects contain: types, lengths, and names that stand in code only.
    #[arg(long)]
    pub redact: bool,
}

#[derive(Debug, Args)]
pub struct Report {
    /// The dump; `-` reads standard input.
    pub file: PathBuf,
    /// File to write; `-` writes to standard output.
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    pub output: PathBuf,
    /// Show nothing of what objects contain: types, lengths, and names that stand in code only.
    #[arg(long)]
    pub redact: bool,
}

#[derive(Debug, Args)]
pub struct Diff {
    /// The older dump.
    pub old: PathBuf,
    /// The newer dump.
    pub new: PathBuf,
    /// A third dump: shows what was allocated between the first two and is still there.
    pub newest: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

fn address(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "an address is hexadecimal with 0x in front, or decimal".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn addresses_are_hexadecimal_or_decimal() {
        assert_eq!(address("0x7f00a0"), Ok(0x7F_00A0));
        assert_eq!(address("4711"), Ok(4711));
        assert!(address("7f00a0").is_err());
    }

    #[test]
    fn only_tables_are_cut_by_themselves() {
        assert_eq!(page(None, Format::Table), Page::first(30));
        assert_eq!(page(None, Format::Json), Page::ALL);
        assert_eq!(page(Some(5), Format::Csv), Page::first(5));
        assert_eq!(page(Some(0), Format::Table), Page::ALL);
    }
}
