//! Sessions at a terminal: commands are typed one after the other, tables read, Ctrl-C pressed.

use anyhow::{Context, Result, ensure};
use pyheap_tests::{Debugger, Footprint, Heap, Python, Suite, Target, Verdict, project};
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};
use std::path::Path;
use std::time::{Duration, Instant};

pub fn register(suite: &mut Suite) {
    suite.sessions("typed_session", typed_session);
    suite.sessions("typed_interrupt", typed_interrupt);
}

/// A debugger at a terminal.
struct Terminal {
    debugger: Debugger,
    session: PtySession,
    commands: u32,
}

impl Terminal {
    /// Starts a debugger on a process and loads pyheap as a user would.
    fn open(debugger: Debugger, pid: u32, folder: &Path) -> Result<Self> {
        const PATIENCE_MS: u64 = 60_000;
        let mut command = debugger.command()?;
        command.current_dir(folder).env("TERM", "dumb");
        let (quiet, load): (&[&str], &[&str]) = if debugger.is_lldb() {
            (&["--no-use-colors"], &["command source -s true", "settings set auto-confirm true"])
        } else {
            (&["-q", "-iex", "set pagination off"], &["source", "set confirm on"])
        };
        command.args(quiet).arg("-p").arg(pid.to_string());
        let options = Options::new().timeout_ms(Some(PATIENCE_MS)).strip_ansi_escape_codes(true);
        let session = spawn_with_options(command, options)?;
        let mut terminal = Self { debugger, session, commands: 0 };
        if debugger.is_lldb() {
            // An earlier prompt stands before the attach, which LLDB types itself.
            terminal.session.exp_string("Architecture set to")?;
        }
        terminal.await_prompt()?;
        let script = project().canonicalize()?.join(debugger.script());
        terminal.command(load[1])?;
        terminal.command(&format!("{} {}", load[0], script.display()))?;
        Ok(terminal)
    }

    /// Types a command and returns all that is written until the debugger takes the next one.
    fn command(&mut self, line: &str) -> Result<String> {
        self.session.send_line(line)?;
        // LLDB may throw away what is typed while a command is at work.
        let text = self.await_prompt()?;
        Ok(text + &self.synchronise()?)
    }

    /// Returns what is written before the prompt.
    fn await_prompt(&mut self) -> Result<String> {
        let prompt = if self.debugger.is_lldb() { "(lldb) " } else { "(gdb) " };
        Ok(self.session.exp_string(prompt)?)
    }

    /// Has the debugger write a word that nobody typed, so that the echo of what was typed cannot be mistaken for it.
    fn synchronise(&mut self) -> Result<String> {
        self.commands += 1;
        let number = self.commands;
        self.session.send_line(&match self.debugger {
            Debugger::Gdb => format!("printf \"end%cof%cnumber%c{number}\\n\", 45, 45, 45"),
            _ => {
                format!("platform shell -h -- echo end''-of-number-{number}")
            }
        })?;
        let text = self.session.exp_string(&format!("end-of-number-{number}\r\n"))?;
        self.await_prompt()?;
        Ok(text)
    }

    fn close(mut self) -> Result<()> {
        self.command("detach")?;
        self.session.send_line("quit")?;
        self.session.exp_eof()?;
        Ok(())
    }

    /// Its breakpoints, as it lists them.
    fn breakpoints(&mut self) -> Result<Vec<String>> {
        let list = match self.debugger {
            Debugger::Gdb => "info breakpoints",
            _ => "breakpoint list",
        };
        let text = self.command(list)?;
        let lines = text.lines().map(str::trim).filter(|line| line.contains("PyList_Append"));
        Ok(lines.map(str::to_owned).collect())
    }
}

fn typed_session(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let mut terminal = Terminal::open(debugger, target.pid(), folder.path())?;
    terminal.command(match debugger {
        Debugger::Gdb => "break PyList_Append",
        _ => "breakpoint set -n PyList_Append",
    })?;
    let before = terminal.breakpoints()?;
    ensure!(!before.is_empty(), "the breakpoint is not set");

    let table = terminal.command("pyheap-top -n 3 --sort count")?;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    ensure!(
        rows.iter().any(|row| row.ends_with(&["objects", "shallow", "allocated"])),
        "no heading: {table}"
    );
    let count = |name: &str| -> Result<u64> {
        let row = rows.iter().find(|row| row.first() == Some(&name)).context("no such row")?;
        Ok(row.get(1).context("no count")?.replace(',', "").parse()?)
    };
    ensure!(count("str").context(table.clone())? > 5000, "{table}");

    let said = terminal.command("pyheap-dump -o heap.cbor")?;
    ensure!(said.contains("written to heap.cbor"), "{said}");
    let heap = Heap::open(&folder.path().join("heap.cbor"))?;
    ensure!(heap.number(target.number("table")?).is_some(), "TABLE is not in the dump");
    let refused = terminal.command("pyheap-dump -o heap.cbor")?;
    ensure!(refused.contains("--force"), "{refused}");

    let after = terminal.breakpoints()?;
    ensure!(after == before, "{before:?} became {after:?}");
    terminal.close()?;
    footprint.assert_same(target.pid())?;
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn typed_interrupt(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let mut target = Target::spawn(python, "gil_holder.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let mut terminal = Terminal::open(debugger, target.pid(), folder.path())?;
    let begin = Instant::now();
    terminal.session.send_line("pyheap-dump -o heap.cbor --timeout 100")?;
    terminal.session.exp_string("secrets")?;
    terminal.session.send_control('c')?;
    // LLDB 14 says so itself.
    terminal.session.exp_regex("(?i)interrupted")?;
    terminal.await_prompt()?;
    ensure!(begin.elapsed() < Duration::from_secs(50), "it waited on for {:?}", begin.elapsed());
    terminal.synchronise().context("no prompt after the interrupt")?;
    ensure!(folder.path().read_dir()?.count() == 0, "a file is left");
    terminal.close()?;
    footprint.assert_same(target.pid())?;
    target.send("go")?;
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}
