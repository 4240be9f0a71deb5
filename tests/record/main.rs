//! Records the dumps that the tests of the command line read: one of each supported CPython, and two more of one of
//! them as it grows.
//!
//! The programs run in an empty environment, so that nothing of the machine but the interpreter's own paths is in the
//! dumps.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, ensure};
use pyheap_format::reader::Dump;
use pyheap_tests::{Debugger, Interpreter, Target, project};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The interpreter of which there are three dumps: the program grows before each further one.
const GROWING: Interpreter = Interpreter::Pyenv(12);

fn main() -> Result<()> {
    let into = project().join("host-cli/analyze/tests/dumps");
    fs::create_dir_all(&into)?;
    let mut table = String::new();
    let is_recorded = |of: &Interpreter| *of != Interpreter::System && !of.differs_from_its_version();
    for interpreter in Interpreter::all().into_iter().filter(is_recorded) {
        let python = interpreter.find()?;
        let folder = tempfile::tempdir()?;
        fs::copy(Target::script("golden.py"), folder.path().join("app.py"))?;
        let mut command = Command::new(&python.path);
        command.args(["-I", "-S", "app.py"]).env_clear().current_dir(folder.path());
        let mut target = Target::start(command)?;
        let stages = if interpreter == GROWING { &["", "-grown", "-full"][..] } else { &[""] };
        for stage in stages {
            if !stage.is_empty() {
                target.send("grow")?;
                target.line()?;
            }
            let name = format!("{interpreter}{stage}.cbor.zst");
            let written = record(&target, folder.path(), &name)?;
            fs::copy(&written, into.join(&name))?;
            table += &line(&name, &written)?;
        }
        target.finish()?;
    }
    fs::write(into.join("README.md"), format!("{HEAD}{table}"))?;
    Ok(())
}

/// Dumps the process.
fn record(target: &Target, folder: &Path, name: &str) -> Result<std::path::PathBuf> {
    let command = format!("pyheap-dump -o {name} --detach");
    Debugger::Gdb.run(target.pid(), &[&command], folder)?.assert_success()?;
    let written = folder.join(name);
    ensure!(written.is_file(), "{command} wrote nothing");
    Ok(written)
}

/// What a dump says of itself.
fn line(name: &str, file: &Path) -> Result<String> {
    let dump = Dump::open(file).with_context(|| name.to_owned())?;
    ensure!(dump.complete(), "{name} is incomplete");
    let header = dump.header();
    let mut line = String::new();
    writeln!(
        line,
        "| {name} | {} | {} | {} | {} | {} |",
        header.python.version,
        header.debugger,
        header.created_at,
        dump.object_count(),
        fs::metadata(file)?.len(),
    )?;
    Ok(line)
}

const HEAD: &str = "\
# Stored dumps

Real dumps of `tests/targets/golden.py`, which the tests of the command line read. `cargo xtask dumps` records them anew, on each CPython
that pyheap supports, and writes this file; `INSTA_UPDATE=always cargo nextest run -p pyheap-analyze` then writes the snapshots anew, to
be looked at before they are committed.

| file | CPython | debugger | taken | objects | bytes |
|---|---|---|---|---|---|
";
