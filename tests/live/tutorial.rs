//! docs/tutorial.md is carried out, command by command, and its outputs are compared with what is really written.
//!
//! Numbers that differ from one machine to the next may differ by a quarter; durations, times and addresses by anything. A line `…` stands for
//! any number of lines. The first command is the program that is looked at: it goes on, and a number alone on a line is typed into it.

use anyhow::{Context, Result, bail, ensure};
use pyheap_tests::{Debugger, Interpreter, Python, Suite, Verdict, binary, project};
use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use wait_timeout::ChildExt;

const PATIENCE: Duration = Duration::from_secs(120);

/// Columns of the terminal for which the outputs are written.
const COLUMNS: &str = "110";

pub fn register(suite: &mut Suite) {
    suite.interpreter("tutorial", Interpreter::usual(), tutorial);
}

fn tutorial(_: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    prepare(folder.path(), python)?;
    let text = fs::read_to_string(project().join("docs/tutorial.md"))?;
    let mut lines = transcripts(&text).into_iter().peekable();
    let mut program: Option<Program> = None;
    let mut outputs = 0;
    while let Some(line) = lines.next() {
        if let (Ok(_), Some(program)) = (line.parse::<u64>(), program.as_mut()) {
            program.type_line(line)?;
        } else if let Some(command) = line.strip_prefix("$ ") {
            let Some(program) = &program else {
                let first = lines.next().context("the program says nothing")?;
                program = Some(Program::start(command, first, folder.path())?);
                continue;
            };
            let mut expected = Vec::new();
            while let Some(line) =
                lines.next_if(|line| !line.starts_with("$ ") && line.parse::<u64>().is_err())
            {
                expected.push(program.with_real_id(line));
            }
            let command = program.with_real_id(command);
            let found = run(&command, folder.path())?;
            let found: Vec<&str> = found.lines().filter(|line| !line.trim().is_empty()).collect();
            compare(&expected, &found)
                .with_context(|| format!("$ {command}\n{}\n\nas written:", found.join("\n")))?;
            outputs += 1;
        } else {
            let found = program.as_ref().context("a line before all commands")?.line()?;
            compare(&[line.to_owned()], &[&found])?;
        }
    }
    ensure!(outputs >= 5, "only {outputs} commands were found in the tutorial");
    program.context("no program")?.finish()?;
    Ok(Verdict::Passed)
}

/// What the tutorial finds in the project's folder and on the path.
fn prepare(folder: &Path, python: &Python) -> Result<()> {
    for name in ["docs", "gdbinit"] {
        symlink(project().join(name), folder.join(name))?;
    }
    fs::create_dir(folder.join("bin"))?;
    for name in ["pyheap-analyze", "pyheap-dump"] {
        symlink(binary(name)?, folder.join("bin").join(name))?;
    }
    // Without the packages that are installed here and nowhere else.
    let python3 = folder.join("bin/python3");
    fs::write(&python3, format!("#!/bin/sh\nexec '{}' -S \"$@\"\n", python.path.display()))?;
    Ok(fs::set_permissions(&python3, fs::Permissions::from_mode(0o755))?)
}

fn shell(command: &str, folder: &Path) -> Result<Command> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(folder.join("bin")).chain(std::env::split_paths(&path));
    let plugin = binary("libpyheap_gdb.so")?;
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("exec {command}")])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(paths)?)
        .env("PYHEAP_PLUGIN_DIR", plugin.parent().context("plugin without folder")?)
        .env("PYHEAP_CACHE_DIR", "")
        .env("COLUMNS", COLUMNS)
        .env("LC_ALL", "C.UTF-8");
    Ok(shell)
}

/// Runs a command and returns what it wrote, to either stream.
fn run(command: &str, folder: &Path) -> Result<String> {
    let mut output = tempfile::tempfile()?;
    let mut process = shell(command, folder)?
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()?;
    let Some(status) = process.wait_timeout(PATIENCE)? else { bail!("{command} does not end") };
    let mut text = String::new();
    output.rewind()?;
    output.read_to_string(&mut text)?;
    ensure!(status.success(), "{command}: {status}\n{text}");
    Ok(text)
}

/// The program that is looked at. Dropped before it was told to end, it is killed.
struct Program {
    process: Child,
    lines: Receiver<String>,
    /// In the text, and really.
    ids: (String, String),
}

impl Program {
    /// Starts it; `first` is its first line as the text has it, with its process id.
    fn start(command: &str, first: &str, folder: &Path) -> Result<Self> {
        let mut process = shell(command, folder)?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().context("no output")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let written = first.chars().filter(char::is_ascii_digit).collect();
        let ids = (written, process.id().to_string());
        let program = Self { process, lines, ids };
        let (expected, found) = (program.with_real_id(first), program.line()?);
        ensure!(expected == found, "{found:?} instead of {expected:?}");
        Ok(program)
    }

    fn with_real_id(&self, text: &str) -> String {
        text.replace(&self.ids.0, &self.ids.1)
    }

    fn type_line(&mut self, line: &str) -> Result<()> {
        Ok(writeln!(self.process.stdin.as_mut().context("no input")?, "{line}")?)
    }

    fn line(&self) -> Result<String> {
        self.lines.recv_timeout(PATIENCE).context("the program says nothing")
    }

    fn finish(mut self) -> Result<()> {
        drop(self.process.stdin.take());
        let status = self.process.wait_timeout(PATIENCE)?.context("the program does not end")?;
        ensure!(status.success(), "the program ended with {status}");
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, or the test has failed: nothing can be done about an error here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The lines of all blocks marked `console`, without empty ones.
fn transcripts(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.lines()
        .filter(|line| {
            if line.starts_with("```") {
                inside = *line == "```console";
                return false;
            }
            inside && !line.trim().is_empty()
        })
        .collect()
}

fn compare(expected: &[String], found: &[&str]) -> Result<()> {
    let Some((first, rest)) = expected.split_first() else {
        ensure!(found.is_empty(), "more was written: {:?}", found.first());
        return Ok(());
    };
    if first == "…" {
        let places = 0..=found.len();
        return match places.clone().find(|&at| compare(rest, &found[at..]).is_ok()) {
            Some(_) => Ok(()),
            // Said of the place where the next line is, which tells most.
            None => {
                let next = rest.first().context("…")?;
                let at = found.iter().position(|line| are_alike(next, line));
                compare(rest, &found[at.with_context(|| format!("{next:?} is not there"))?..])
            }
        };
    }
    let Some((line, others)) = found.split_first() else { bail!("{first:?} is missing") };
    ensure!(are_alike(first, line), "{line:?} instead of {first:?}");
    compare(rest, others)
}

/// Whether two lines differ by no more than machines do.
fn are_alike(expected: &str, found: &str) -> bool {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (expected, found) = (words(expected), words(found));
    let unit = |at: usize| expected.get(at + 1).map_or("", |word| word.trim_end_matches(['.', ',', ')']));
    expected.len() == found.len()
        && expected.iter().zip(&found).enumerate().all(|(at, (expected, found))| {
            let free = |word: &str| word.starts_with("0x") || (word.contains('T') && word.ends_with('Z'));
            match (number(expected), number(found)) {
                (Some(_), Some(_)) if matches!(unit(at), "s" | "ms") => true,
                (Some(a), Some(b)) => (a - b).abs() <= 0.25 * a.abs(),
                _ => expected == found || (free(expected) && free(found)),
            }
        })
}

fn number(word: &str) -> Option<f64> {
    word.trim_matches(['(', ')', ',', '.', ':', '+']).replace(',', "").parse().ok()
}
