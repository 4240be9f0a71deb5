//! The program's own options; those of a dump and of a table are the debuggers' commands' as well.

use crate::condition::Condition;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, ValueEnum};
use pyheap_session::{DumpOptions, TopOptions};
use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// What the exit status says; the help and the man page show it.
const EXIT_STATUS: &str = "\
Exit status:
    0  success
    1  any other failure
    2  wrong use of the command line
    3  there is no such process, or it ended
    4  no permission
    5  not a Python process that can be dumped, such as an unsupported version
    6  another debugger holds the process
    7  no safe point was reached in time
    8  refused for the sake of the process: its memory limit, its seccomp filters
    9  the file exists or cannot be written
   10  the walker ended too early: what arrived is kept
  130  interrupted; in general 128 and the number of the signal
Of several failures, the first.";

/// Write a heap dump of a Python process to a file
///
/// The process stands still for milliseconds, runs no Python code for it and goes on as if nothing had happened. `pyheap-dump top` shows a
/// table instead.
#[derive(Clone, Debug, Parser)]
#[command(name = "pyheap-dump", version, no_binary_name = false, disable_version_flag = false, after_help = EXIT_STATUS)]
pub struct Options {
    /// The processes
    #[command(flatten)]
    pub targets: Targets,
    /// The dump
    #[command(flatten)]
    pub dump: DumpOptions,
    /// The processes' descendants as well, each into a file of its own, at the same time
    #[arg(long)]
    pub children: bool,
    /// Wait, without touching the process, until this holds: 'rss>6G', or 'cgroup>85%' of its memory limit
    #[arg(long, value_name = "CONDITION")]
    pub when: Option<Condition>,
    /// Write N dumps, one after the other
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Begin them this far apart, such as 90s, 5m or 1h
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "count", value_parser = duration)]
    pub interval: Duration,
    /// Have this debugger do it, in batch mode, instead of doing it without one
    #[arg(long, value_name = "NAME", conflicts_with_all = ["json", "children", "count"])]
    pub debugger: Option<DebuggerName>,
    /// Tell what a dump would cost the process, and touch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the outcome as one line of JSON for each process
    #[arg(long)]
    pub json: bool,
    /// List the Python processes, and whether they can be dumped
    #[arg(long, conflicts_with_all = ["pids", "container", "docker_container"])]
    pub list: bool,
    /// Print the path of the file that loads pyheap into a debugger
    #[arg(long, value_name = "NAME", exclusive = true)]
    pub print_init: Option<DebuggerName>,
}

/// Which processes are meant.
#[derive(Clone, Debug, clap::Args)]
pub struct Targets {
    /// The process; several are dumped at the same time, into the folder that -o names
    #[arg(short, long = "pid", value_name = "PID", num_args = 1..,
          required_unless_present_any = ["container", "docker_container", "list", "print_init", "repair"])]
    pub pids: Vec<u32>,
    /// The Python process of a container, by the container's id or its beginning, its name or its host name; no engine is asked
    #[arg(long, value_name = "CONTAINER", conflicts_with = "pids")]
    pub container: Option<String>,
    /// The Python process of a container, which the Docker engine is asked for
    #[arg(long, value_name = "NAME", conflicts_with_all = ["pids", "container"])]
    pub docker_container: Option<String>,
}

/// A debugger that the program can drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DebuggerName {
    /// The GNU debugger
    Gdb,
    /// The LLVM debugger
    Lldb,
}

/// Show which types hold most memory in a Python process, without writing a file
#[derive(Clone, Debug, Parser)]
#[command(name = "pyheap-top", version, no_binary_name = false, disable_version_flag = false, after_help = EXIT_STATUS)]
pub struct Top {
    /// The process
    #[arg(short, long, value_name = "PID")]
    pub pid: u32,
    /// The table
    #[command(flatten)]
    pub top: TopOptions,
    /// Take another snapshot every so often, such as 10s, and show its table, until interrupted
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub watch: Option<Duration>,
}

impl Options {
    /// Reads the command line; ends the program where it is wrong, or asks for help. The words are those of a dump's own options, for
    /// whoever else is to make it.
    pub fn read(words: Vec<OsString>) -> (Self, Vec<OsString>) {
        let matches = Self::command().get_matches_from(words);
        match Self::from_arg_matches(&matches) {
            Ok(options) => {
                let words = dump_words(&matches);
                (options, words)
            }
            Err(error) => error.exit(),
        }
    }
}

/// The options of a dump that were given, except those that name the file and that are implied.
fn dump_words(matches: &ArgMatches) -> Vec<OsString> {
    const LEFT_OUT: [&str; 4] = ["output", "detach", "quiet", "repair"];
    let mut words = Vec::new();
    for argument in DumpOptions::command().get_arguments() {
        let id = argument.get_id().as_str();
        let Some(long) = argument.get_long().filter(|_| !LEFT_OUT.contains(&id)) else { continue };
        if !matches!(matches.try_contains_id(id), Ok(true))
            || matches.value_source(id) != Some(ValueSource::CommandLine)
        {
            continue;
        }
        let name = format!("--{long}");
        match argument.get_action() {
            ArgAction::SetTrue => words.push(name.into()),
            _ => {
                for value in matches.get_raw(id).into_iter().flatten() {
                    let mut word = OsString::from(format!("{name}="));
                    word.push::<&OsStr>(value);
                    words.push(word);
                }
            }
        }
    }
    words
}

/// A number of seconds, minutes or hours.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        unit => return Err(format!("{unit:?} is no unit of time: s, m or h")),
    };
    let number: f64 = digits.parse().map_err(|_| "not a time such as 90s, 5m or 1h".to_owned())?;
    Duration::try_from_secs_f64(number * factor).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Options, Top, dump_words, duration};
    use clap::{CommandFactory, Parser};
    use std::time::Duration;

    #[test]
    fn definitions_are_consistent() {
        Options::command().debug_assert();
        Top::command().debug_assert();
    }

    #[test]
    fn the_options_of_a_session_are_there() {
        let words = [
            "pyheap-dump",
            "-p",
            "1",
            "2",
            "--timeout",
            "1.5",
            "-f",
            "a.cbor",
            "--str-repr-len",
            "-1",
            "--detach",
        ];
        let options = Options::try_parse_from(words).expect("valid");
        assert_eq!(options.targets.pids, [1, 2]);
        assert_eq!(options.dump.output.as_deref(), Some("a.cbor".as_ref()));
        assert_eq!(options.dump.preview_length(), 0);
        let help = Options::command().render_help().to_string();
        assert!(help.starts_with("Write a heap dump") && help.contains("--no-fork"), "{help}");
    }

    #[test]
    fn a_target_is_needed_where_there_is_something_to_do() {
        assert!(Options::try_parse_from(["pyheap-dump"]).is_err());
        for words in [
            &["--repair", "1"][..],
            &["--list"],
            &["--list", "--json"],
            &["--print-init", "gdb"],
            &["--container", "web"],
            &["-p", "1", "--when", "rss>6G", "--count", "3", "--interval", "90s"],
        ] {
            Options::try_parse_from([&["pyheap-dump"], words].concat()).expect("valid");
        }
        assert!(Options::try_parse_from(["pyheap-dump", "--list", "-p", "1"]).is_err());
        let version = Options::try_parse_from(["pyheap-dump", "-V"]).expect_err("no options");
        assert_eq!(version.kind(), clap::error::ErrorKind::DisplayVersion);
    }

    #[test]
    fn options_are_handed_on_as_they_were_given() {
        let words =
            ["pyheap-dump", "-p", "1", "-o", "x", "--timeout", "2", "--force", "-q", "--str-repr-len", "-1"];
        let matches = Options::command().try_get_matches_from(words).expect("valid");
        assert_eq!(dump_words(&matches), ["--str-repr-len=-1", "--timeout=2", "--force"]);
        let matches = Options::command().try_get_matches_from(["pyheap-dump", "-p", "1"]).expect("valid");
        assert!(dump_words(&matches).is_empty());
    }

    #[test]
    fn durations() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0.5s"), Ok(Duration::from_millis(500)));
        assert_eq!(
            (duration("5m"), duration("1h")),
            (Ok(Duration::from_secs(300)), Ok(Duration::from_secs(3600)))
        );
        assert!(duration("5 d").is_err() && duration("-1s").is_err() && duration("é").is_err());
    }
}
