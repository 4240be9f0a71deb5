//! The program's own options; those of a dump and of a table are the debuggers' commands' as well.

use clap::Parser;
use pyheap_session::{DumpOptions, TopOptions};

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
/// The process stands still for milliseconds, runs no Python code for it and goes on as if nothing had happened.
#[derive(Clone, Debug, Parser)]
#[command(name = "pyheap-dump", version, no_binary_name = false, disable_version_flag = false, after_help = EXIT_STATUS)]
pub struct Options {
    /// The process; several are dumped one after the other, into the folder that -o names
    #[arg(short, long = "pid", value_name = "PID", num_args = 1.., required_unless_present_any = ["repair"])]
    pub pids: Vec<u32>,
    /// The dump
    #[command(flatten)]
    pub dump: DumpOptions,
    /// Print the outcome as one line of JSON for each process
    #[arg(long)]
    pub json: bool,
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
}

#[cfg(test)]
mod tests {
    use super::{Options, Top};
    use clap::{CommandFactory, Parser};

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
        assert_eq!(options.pids, [1, 2]);
        assert_eq!(options.dump.output.as_deref(), Some("a.cbor".as_ref()));
        assert_eq!(options.dump.preview_length(), 0);
        let help = Options::command().render_help().to_string();
        assert!(help.starts_with("Write a heap dump") && help.contains("--no-fork"), "{help}");
        assert!(Options::try_parse_from(["pyheap-dump"]).is_err());
        assert!(Options::try_parse_from(["pyheap-dump", "--repair", "1"]).is_ok());
        assert!(Options::try_parse_from(["pyheap-dump", "-V"]).is_err_and(|error| error.exit_code() == 0));
    }
}
