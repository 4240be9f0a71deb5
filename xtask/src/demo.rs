//! A dump of a sample process, from nothing to the top of its heap.

use crate::setup;
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Runs the demonstration.
pub fn run() -> Result<()> {
    setup::install(&setup::DEBUGGING)?;
    setup::build()?;
    let folder = tempfile::tempdir()?;
    let mut sample = start_sample()?;
    let result = dump_and_show(sample.id(), folder.path());
    // The sample ends when its input does.
    drop(sample.stdin.take());
    let status = sample.wait()?;
    result?;
    ensure!(status.success(), "the sample process ended with {status}");
    println!("\nThe sample process went on meanwhile, and has now ended by itself ({status}).");
    Ok(())
}

fn start_sample() -> Result<Child> {
    let mut sample = Command::new("python3")
        .arg(setup::project().join("xtask/sample.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("python3")?;
    let mut line = String::new();
    let output = sample.stdout.take().context("no output")?;
    BufReader::new(output).read_line(&mut line)?;
    if line.trim() != "ready" {
        sample.kill()?;
        sample.wait()?;
        bail!("the sample process did not start: {line}");
    }
    println!("A shop of 20,000 orders runs as process {}.", sample.id());
    Ok(sample)
}

fn dump_and_show(pid: u32, folder: &std::path::Path) -> Result<()> {
    let project = setup::project();
    let dump = folder.join("heap.cbor");
    show(
        Command::new("gdb")
            .args(["-nx", "-batch", "-readnever", "-iex", "set sysroot /var/empty", "-ix"])
            .arg(project.join("gdbinit"))
            .args(["-p", &pid.to_string(), "-ex", &format!("pyheap-dump -o {} --detach", dump.display())]),
    )?;
    let analyze = project.join("target/release/pyheap-analyze");
    show(Command::new(&analyze).arg(&dump))?;
    show(Command::new(&analyze).args(["types", "-n", "10"]).arg(&dump))
}

fn show(command: &mut Command) -> Result<()> {
    let line = {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    };
    println!("\n$ {line}");
    let status = command.status().with_context(|| line.clone())?;
    ensure!(status.success(), "{line}: {status}");
    Ok(())
}
