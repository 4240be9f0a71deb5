//! Takes the measurements.

use crate::application::{Application, Gap};
use anyhow::{Context, Result, ensure};
use pyheap_figures::{Figure, Limit};
use pyheap_format::reader::Dump;
use pyheap_format::record::{BODY_OFFSET, kind, record_length};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Bytes of the file that an object may take, edges and previews aside.
const OBJECT_BYTES: f64 = 24.0;
/// Bytes of the file that an edge may take.
const EDGE_BYTES: f64 = 8.0;

/// A snapshot may take as much time as this many calls of `os.fork()` in the process.
pub const FORKS: f64 = 2.5;

/// What one run of the command showed.
#[derive(Default)]
struct Runs {
    pause: Vec<f64>,
    gap: Vec<f64>,
    later: Vec<f64>,
    rate: Vec<f64>,
    command: Vec<f64>,
    memory: Vec<f64>,
    file_share: Vec<f64>,
    types: Vec<f64>,
}

/// Measures everything.
pub fn all(application: &mut Application, project: &Path, runs: usize) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("heap.cbor");
    let mut found = Runs::default();
    let mut plain_gaps = Vec::new();
    let mut objects = 0;
    for run in 0..runs {
        eprintln!("run {} of {runs}", run + 1);
        let (gaps, _) = attached(application, gdb(application.pid(), &["detach"], None))?;
        plain_gaps.push(largest(&gaps).map_or(0.0, Gap::milliseconds));
        objects = dump(application, project, &file, &mut found)?;
        found.types.push(analyze(project, &file)?);
    }
    let walked = application.ask("walk")?;
    let inside =
        walked["objects"].as_f64().context("objects")? / walked["seconds"].as_f64().context("seconds")? / 1e6;
    let fork = application.ask("fork")?["seconds"].as_f64().context("seconds")? * 1000.0;
    let plain_gap = Figure::of("gap of plain attach and detach", "ms", plain_gaps, Limit::None);
    let plain_read = read_seconds(&file)?;
    println!(
        "{objects} objects, {:.0} MB resident, file of {:.0} MB",
        application.resident()? as f64 / 1e6,
        file.metadata()?.len() as f64 / 1e6
    );
    let plain = plain_gap.median;
    Ok(vec![
        Figure::of("pause caused by the command", "ms", found.pause, Limit::AtMost(FORKS * fork))
            .against(fork, "os.fork() by itself"),
        Figure::of("whole gap of the heartbeat", "ms", found.gap, Limit::AtMost(plain + FORKS * fork))
            .against(plain, "plain attach and detach"),
        plain_gap,
        Figure::of("worst later delay while the walker lives", "ms", found.later, Limit::None),
        Figure::of("whole command", "s", found.command, Limit::None),
        Figure::of("walked and streamed", "million objects/s", found.rate, Limit::AtLeast(2.0))
            .against(inside, "gc.get_objects() with sys.getsizeof in the process"),
        Figure::of("walker's own memory", "bytes/object", found.memory, Limit::AtMost(40.0)),
        Figure::of(
            "file without previews, of 24 per object and 8 per edge",
            "%",
            found.file_share,
            Limit::AtMost(100.0),
        ),
        Figure::of("pyheap-analyze types", "s", found.types, Limit::AtMost(0.5))
            .against(plain_read, "reading the file"),
    ])
}

/// One dump; returns its number of objects.
fn dump(application: &mut Application, project: &Path, file: &Path, found: &mut Runs) -> Result<u64> {
    let dump = format!("pyheap-dump -o {} --detach --force", file.display());
    let begin = Instant::now();
    let (gaps, output) = attached(application, gdb(application.pid(), &[&dump], Some(project)))?;
    found.command.push(begin.elapsed().as_secs_f64());
    let gap = largest(&gaps).with_context(|| format!("no gap was seen: {output}"))?;
    found.gap.push(gap.milliseconds());
    let later = gaps.iter().filter(|later| later.begin >= gap.end).map(|later| later.milliseconds());
    found.later.push(later.fold(0.0, f64::max));

    let opened = Dump::open(file)?;
    let summary = opened.summary().context("no summary")?;
    let footer = opened.footer().context("no footer")?;
    ensure!(opened.complete(), "incomplete: {:?}", opened.warnings());
    let (objects, edges) = (summary.objects as f64, summary.edges as f64);
    found.pause.push(footer.pause_ms);
    found.rate.push(objects / summary.walk_ns as f64 * 1e3);
    found.memory.push(summary.walker_memory as f64 / objects);
    let bytes = bytes_without_previews(&fs::read(file)?) as f64;
    found.file_share.push(100.0 * bytes / (OBJECT_BYTES * objects + EDGE_BYTES * edges));
    Ok(summary.objects)
}

/// Sums the records that are no previews.
fn bytes_without_previews(dump: &[u8]) -> usize {
    let mut rest = dump;
    let mut sum = 0;
    while let Some((head, _)) = rest.split_at_checked(BODY_OFFSET) {
        let length = u32::from_be_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let whole = record_length(length);
        if head[1] != kind::PREVIEWS {
            sum += whole;
        }
        rest = rest.get(whole..).unwrap_or_default();
    }
    sum
}

/// GDB in batch mode on a process, with pyheap loaded from the project.
fn gdb(pid: u32, commands: &[&str], project: Option<&Path>) -> Command {
    let mut command = Command::new("gdb");
    if let Some(project) = project {
        // Before it attaches: the process need not wait for that.
        command.env("PYHEAP_PLUGIN_DIR", project.join("target/release"));
        command.arg("-ix").arg(project.join("gdbinit"));
    }
    command.args(["-nx", "-readnever", "-batch", "-iex", "set sysroot /var/empty", "-p", &pid.to_string()]);
    for line in commands {
        command.args(["-ex", line]);
    }
    command
}

/// Runs a debugger to its end; returns the gaps meanwhile and what it wrote.
pub fn attached(application: &mut Application, mut debugger: Command) -> Result<(Vec<Gap>, String)> {
    application.ask("reset")?;
    let output = debugger.stdin(Stdio::null()).output().with_context(|| format!("{debugger:?}"))?;
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{debugger:?} failed: {}\n{text}", output.status);
    Ok((application.gaps()?, text))
}

/// The largest gap.
pub fn largest(gaps: &[Gap]) -> Option<Gap> {
    gaps.iter().copied().max_by(|left, right| left.milliseconds().total_cmp(&right.milliseconds()))
}

/// Seconds from start to end of `pyheap-analyze types`.
fn analyze(project: &Path, file: &Path) -> Result<f64> {
    let begin = Instant::now();
    let output =
        Command::new(project.join("target/release/pyheap-analyze")).arg("types").arg(file).output()?;
    ensure!(output.status.success(), "pyheap-analyze types: {}", String::from_utf8_lossy(&output.stderr));
    Ok(begin.elapsed().as_secs_f64())
}

fn read_seconds(file: &Path) -> Result<f64> {
    let begin = Instant::now();
    let length = fs::read(file)?.len();
    ensure!(length > 0, "the file is empty");
    Ok(begin.elapsed().as_secs_f64())
}
