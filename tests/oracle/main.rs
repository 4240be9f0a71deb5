//! A dump against what the interpreter itself says of its heap: objects, types, referents, sizes.

mod accuracy;
mod comparison;
mod layouts;
mod outside;

use anyhow::{Context, Result, ensure};
use comparison::Comparison;
use pyheap_tests::{
    Debugger, Footprint, Heap, Interpreter, Oracle, Python, Suite, Target, Verdict, packages, skipped,
};
use std::process::{Command, ExitCode};

/// Share of all objects whose size must be the one that `sys.getsizeof` answers.
const EXACT_SIZES: f64 = 0.999;

fn main() -> ExitCode {
    let mut suite = Suite::new();
    suite.product("heap", |debugger, python| agrees(debugger, python, false));
    suite.product("heap_with_numpy", |debugger, python| agrees(debugger, python, true));
    for interpreter in Interpreter::all() {
        suite.test(&format!("walk_from_outside::{interpreter}"), move || outside::agrees(interpreter));
        if !interpreter.differs_from_its_version() {
            suite.test(&format!("layouts::{interpreter}"), move || layouts::agree(interpreter));
        }
    }
    suite.run()
}

fn agrees(debugger: Debugger, python: &Python, numpy: bool) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let notes = folder.path().join("oracle");
    let mut command = Command::new(&python.path);
    command.arg(Target::script("oracle.py")).arg(&notes);
    if numpy {
        match packages(python, &["numpy"]) {
            Ok(path) => command.env("PYTHONPATH", path).arg("numpy"),
            Err(error) => return skipped(format!("numpy for {}: {error:#}", python.version_text())),
        };
    }
    let mut target = Target::start(command)?;
    let footprint = Footprint::of(target.pid())?;
    let file = debugger.dump(target.pid(), "--detach", folder.path())?;
    footprint.assert_same(target.pid())?;
    target.ping("after")?;
    target.finish()?;

    let oracle = Oracle::read(&notes)?;
    let heap = Heap::open(&file)?;
    ensure!(
        oracle.version == heap.dump.header().python.version,
        "version {}",
        heap.dump.header().python.version
    );
    let comparison = Comparison::of(&oracle, &heap);
    println!("{comparison}");
    comparison.check(EXACT_SIZES)?;
    let section = format!("{}{}", python.section(), if numpy { " with numpy" } else { "" });
    accuracy::note(&section, &comparison).context("docs/accuracy.md")?;
    Ok(Verdict::Passed)
}
