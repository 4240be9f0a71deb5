//! The commands' options, defined once for every debugger.

use clap::{CommandFactory, Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Options of both commands that shape how the snapshot is taken.
#[derive(Clone, Debug, clap::Args)]
pub struct SnapshotOptions {
    /// Give up if no safe point is reached within this many seconds
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// Walk the process's own memory, while it stands still, instead of a copy-on-write child's
    #[arg(long)]
    pub no_fork: bool,
    /// Take the snapshot even if it may not fit into the process's memory limit; it is ended when the limit is near
    #[arg(long)]
    pub force_memory: bool,
    /// Go on even if the process's seccomp filters may kill it, or cannot be read
    #[arg(long)]
    pub force_seccomp: bool,
    /// Go on even if the interpreter's file is named after another version of Python than the interpreter states
    #[arg(long)]
    pub ignore_compatibility_checks: bool,
    /// Detach from the process as soon as its snapshot exists
    #[arg(long)]
    pub detach: bool,
    /// Say nothing but the result and what goes wrong
    #[arg(short, long)]
    pub quiet: bool,
}

/// Write a heap dump of the Python process to a file
#[derive(Clone, Debug, Parser)]
#[command(name = "pyheap-dump", no_binary_name = true, disable_version_flag = true)]
pub struct DumpOptions {
    /// File to write, compressed if its name ends in .zst [default: heap-PID-UTCTIME.cbor]
    #[arg(short, long, visible_alias = "file", visible_short_alias = 'f', value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Keep the first N characters of each str and bytes; 0 and -1 keep none
    #[arg(long, value_name = "N", default_value_t = 200, allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(-1..=1 << 30))]
    pub str_repr_len: i64,
    /// How the snapshot is taken
    #[command(flatten)]
    pub snapshot: SnapshotOptions,
    /// Overwrite the file if it exists
    #[arg(long)]
    pub force: bool,
    /// Write no dump: take breakpoints that a dead debugger left behind out of the code of process PID, which no debugger holds
    #[arg(long, value_name = "PID", exclusive = true)]
    pub repair: Option<u32>,
}

impl DumpOptions {
    /// Characters or bytes to keep of a str or bytes; 0 for none.
    pub fn preview_length(&self) -> u32 {
        u32::try_from(self.str_repr_len).unwrap_or(0)
    }
}

/// Show which types hold most memory, without writing a file
#[derive(Clone, Debug, Parser)]
#[command(name = "pyheap-top", no_binary_name = true, disable_version_flag = true)]
pub struct TopOptions {
    /// Number of rows
    #[arg(short = 'n', value_name = "N", default_value_t = 20)]
    pub rows: usize,
    /// Order of the rows
    #[arg(long, value_enum, default_value_t = Sort::Size)]
    pub sort: Sort,
    /// What a row is
    #[arg(long, value_enum, default_value_t = Grouping::Type)]
    pub by: Grouping,
    /// How the snapshot is taken
    #[command(flatten)]
    pub snapshot: SnapshotOptions,
}

/// Order of rows; the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// By allocated size
    Size,
    /// By number of objects
    Count,
    /// By what would be freed if all of them went; takes the debugger about 100 bytes per object
    Retained,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Grouping {
    /// One type
    Type,
    /// All types of one top-level module
    Module,
}

/// A command, by the name that the user types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `pyheap-dump`
    Dump,
    /// `pyheap-top`
    Top,
}

impl Command {
    /// All commands.
    pub const ALL: [Self; 2] = [Self::Dump, Self::Top];

    /// The name that the user types.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dump => "pyheap-dump",
            Self::Top => "pyheap-top",
        }
    }

    /// What the debugger shows for `help`: a sentence, then usage and options.
    pub fn help(self) -> String {
        let mut command = match self {
            Self::Dump => in_debugger(DumpOptions::command()),
            Self::Top => in_debugger(TopOptions::command()),
        };
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let help = command.render_help().to_string();
        // The debugger's own lists show the first line and want it to be a sentence.
        let rest = help.strip_prefix(&about).unwrap_or(&help);
        format!("{about}.{rest}")
    }
}

/// The name of the option that [`in_debugger`] adds.
pub const PID: &str = "pid";

/// A command's options with what it has in a debugger beside its own.
pub fn in_debugger(command: clap::Command) -> clap::Command {
    let pid = clap::Arg::new(PID)
        .short('p')
        .long(PID)
        .value_name("PID")
        .value_parser(clap::value_parser!(u32))
        .help(
            "Take this process, to which the debugger need not attach: it is stopped for the snapshot only",
        );
    command.arg(pid)
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if seconds > 0.0 {
        Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
    } else {
        Err("not a positive number of seconds".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, DumpOptions, Sort, TopOptions};
    use clap::Parser;
    use std::time::Duration;

    #[test]
    fn dump_options() {
        let options =
            DumpOptions::try_parse_from(["-o", "a b.cbor", "--timeout", "1.5", "--str-repr-len", "-1"])
                .expect("valid options");
        assert_eq!(options.output.as_deref(), Some("a b.cbor".as_ref()));
        assert_eq!(options.snapshot.timeout, Duration::from_millis(1500));
        assert_eq!(options.preview_length(), 0);
        assert!(!options.force && !options.snapshot.detach && !options.snapshot.no_fork);
        assert_eq!(DumpOptions::try_parse_from([""; 0]).expect("no options").preview_length(), 200);
    }

    #[test]
    fn errors_name_the_option() {
        for (arguments, option) in [
            (["--str-repr-len", "-2"], "--str-repr-len"),
            (["--timeout", "0"], "--timeout"),
            (["--colour", "x"], "--colour"),
        ] {
            let error = DumpOptions::try_parse_from(arguments).expect_err(option).to_string();
            assert!(error.contains(option), "{error}");
        }
        let error = TopOptions::try_parse_from(["--sort", "name"]).expect_err("--sort").to_string();
        assert!(error.contains("--sort") && error.contains("count"), "{error}");
        let options = TopOptions::try_parse_from(["--sort", "count", "-n", "3"]).expect("valid options");
        assert_eq!((options.sort, options.rows), (Sort::Count, 3));
    }

    #[test]
    fn help_begins_with_a_sentence() {
        let help = Command::Dump.help();
        assert!(help.starts_with("Write a heap dump of the Python process to a file.\n"), "{help}");
        assert!(help.contains("Usage: pyheap-dump") && help.contains("--no-fork"), "{help}");
    }
}
