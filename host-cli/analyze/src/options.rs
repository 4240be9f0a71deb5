//! The command line.

mod analysis;

pub use analysis::{
    Analysed, Diff, Dominators, GroupOrder, Leaks, Modules, Paths, Query, RetainedHeap, Verify,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Tell what is in a pyheap dump.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub summary: Summary,
}

/// Without a command: where memory is, at a glance.
#[derive(Debug, Args)]
pub struct Summary {
    /// The dump to summarise; `-` reads standard input.
    #[arg(required = true)]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Where the dump comes from, its totals, and the process's memory.
    Info(Info),
    /// Objects and bytes by type.
    Types(Types),
    /// Threads with their frames and local variables.
    Threads(Threads),
    /// One object and what it refers to.
    Object(Object),
    /// The objects that hold most.
    RetainedHeap(RetainedHeap),
    /// What the instances of each module's types hold.
    Modules(Modules),
    /// What holds an object, or all instances of a type.
    Paths(Paths),
    /// Who holds what alone, as a tree.
    Dominators(Dominators),
    /// Where memory accumulates, in sentences.
    Leaks(Leaks),
    /// Objects that native code holds, by type.
    NativeRefs(Analysed),
    /// Cycles of references, and garbage that waits for a collection.
    Cycles(Analysed),
    /// Bytes that the same content could do without.
    Waste(Analysed),
    /// What grew between two dumps; with a third, what survived.
    Diff(Diff),
    /// The objects for which an expression holds, such as `type == 'str' && length > 1000`.
    Query(Query),
    /// Whether the dump and the sums over it can be believed; exits with 1 if not.
    Verify(Verify),
}

#[derive(Debug, Args)]
pub struct Info {
    /// The dump; `-` reads standard input.
    pub file: PathBuf,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Types {
    /// The dump; `-` reads standard input.
    pub file: PathBuf,
    /// What to sort by, largest first.
    #[arg(long, value_enum, default_value_t = TypeOrder::Allocated)]
    pub sort: TypeOrder,
    #[command(flatten)]
    pub rows: Rows,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Threads {
    /// The dump; `-` reads standard input.
    pub file: PathBuf,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Object {
    /// The dump; `-` reads standard input.
    pub file: PathBuf,
    /// Address of the object, as `id()` gives it: hexadecimal (0x…) or decimal.
    #[arg(value_parser = address)]
    pub address: u64,
    #[command(flatten)]
    pub rows: Rows,
    #[command(flatten)]
    pub output: Output,
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

#[derive(Debug, Args)]
pub struct Rows {
    /// Rows to print at most, 0 for all [default: 30 in a table, otherwise all].
    #[arg(short = 'n', value_name = "N")]
    rows: Option<usize>,
}

impl Rows {
    /// Rows to print at most, given the format.
    pub fn limit(&self, output: &Output) -> usize {
        match (self.rows, output.format) {
            (Some(0), _) => usize::MAX,
            (Some(rows), _) => rows,
            (None, Format::Table) => 30,
            (None, _) => usize::MAX,
        }
    }
}

#[derive(Debug, Args)]
pub struct Output {
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs; sizes in bytes, addresses as strings in hex.
    Json,
    /// For spreadsheets; sizes in bytes.
    Csv,
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
}
