//! The same dump through LLDB: what the command adds to the time that LLDB itself takes.

use crate::application::{Application, Gap};
use crate::measure::{attached, largest};
use anyhow::{Context, Result};
use pyheap_figures::{Figure, Limit};
use pyheap_format::reader::Dump;
use std::path::Path;
use std::process::Command;

/// Measures, where LLDB is installed.
pub fn all(application: &mut Application, project: &Path, runs: usize) -> Result<Vec<Figure>> {
    if Command::new("lldb").arg("--version").output().is_err() {
        println!("no LLDB is installed: nothing is measured through it");
        return Ok(Vec::new());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("heap.cbor");
    let dump = format!("pyheap-dump -o {} --detach --force", file.display());
    let [mut plain_gaps, mut pauses, mut gaps] = [const { Vec::new() }; 3];
    for run in 0..runs {
        eprintln!("LLDB, run {} of {runs}", run + 1);
        let (found, _) = attached(application, lldb(application.pid(), &["detach"], project))?;
        plain_gaps.push(largest(&found).map_or(0.0, Gap::milliseconds));
        let (found, output) = attached(application, lldb(application.pid(), &[&dump], project))?;
        let gap = largest(&found).with_context(|| format!("no gap was seen: {output}"))?;
        gaps.push(gap.milliseconds());
        pauses.push(Dump::open(&file)?.footer().context("no footer")?.pause_ms);
    }
    let plain = Figure::of("LLDB: gap of plain attach and detach", "ms", plain_gaps, Limit::None);
    let attach = plain.median;
    Ok(vec![
        Figure::of("LLDB: pause caused by the command", "ms", pauses, Limit::AtMost(200.0)),
        Figure::of("LLDB: whole gap of the heartbeat", "ms", gaps, Limit::None)
            .against(attach, "plain attach and detach"),
        plain,
    ])
}

/// LLDB in batch mode on a process.
fn lldb(pid: u32, commands: &[&str], project: &Path) -> Command {
    let mut command = Command::new("lldb");
    command.env("PYHEAP_PLUGIN_DIR", project.join("target/release"));
    // Before it attaches: the process need not wait for that.
    command.args(["--no-lldbinit", "--batch", "-O"]);
    command.arg(format!("command source -s true {}", project.join("lldbinit").display()));
    command.args(["-p", &pid.to_string()]);
    for line in commands {
        command.args(["-o", line]);
    }
    command
}
