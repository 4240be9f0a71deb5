//! The same dump by the program, which needs no debugger: the whole of what the process notices, attach included.

use crate::application::{Application, Gap};
use crate::measure::{attached, largest};
use anyhow::{Context, Result};
use pyheap_figures::{Figure, Limit};
use pyheap_format::reader::Dump;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The whole gap may be as long as this many calls of `os.fork()` in the process,
const FORKS: f64 = 2.0;

/// and this much longer, in milliseconds;
const LONGER: f64 = 2.0;

/// with this many threads, which sleep,
const THREADS: u32 = 500;

/// by this much more, in milliseconds.
const LONGER_WITH_THREADS: f64 = 30.0;

/// Seconds from start to finished file, for a million objects.
const WHOLE: f64 = 0.6 / 1.6;

/// What an agent in the process would take for the same, as a multiple of the gap.
const AGENT: f64 = 3000.0;

/// Objects from which the agent's time is extrapolated.
const SAMPLE: f64 = 20_000.0;

/// Measures the program on the usual process, and on one with many threads.
pub fn all(application: &mut Application, python: &Path, project: &Path, runs: usize) -> Result<Vec<Figure>> {
    let (gaps, times, objects) = dumps(application, project, runs)?;
    let mut forks = Vec::new();
    for _ in 0..runs {
        forks.push(application.ask("fork")?["seconds"].as_f64().context("seconds")? * 1e3);
    }
    let fork = Figure::of("os.fork() by itself", "ms", forks, Limit::None);
    let sampled = application.ask("agent")?["seconds"].as_f64().context("seconds")? * 1e3;
    let agent = sampled / SAMPLE * objects as f64;

    let mut crowd = Application::start(python, 1, THREADS)?;
    let (crowded, _, _) = dumps(&mut crowd, project, runs)?;
    crowd.finish()?;
    let mut few = Application::start(python, 1, 0)?;
    let (lonely, _, _) = dumps(&mut few, project, runs)?;
    few.finish()?;
    // Gaps that are too short for the application to take note of count as none, which makes the limit the stricter.
    let lonely = Figure::of("program: the same with 2 threads", "ms", lonely, Limit::None);

    let gap = Figure::of(
        "program: whole gap of the heartbeat",
        "ms",
        gaps,
        Limit::AtMost(FORKS * fork.median + LONGER),
    );
    let ratio = vec![agent / gap.median];
    Ok(vec![
        Figure::of(
            "program: an agent that walks in Python, extrapolated",
            "gaps",
            ratio,
            Limit::AtLeast(AGENT),
        ),
        gap.against(fork.median, "os.fork() by itself"),
        Figure::of(
            "program: start to finished file",
            "s",
            times,
            Limit::AtMost(WHOLE * objects as f64 / 1e6),
        ),
        Figure::of(
            "program: whole gap with 500 threads, of a small process",
            "ms",
            crowded,
            Limit::AtMost(lonely.median + LONGER_WITH_THREADS),
        ),
        lonely,
        fork,
    ])
}

/// Largest gaps in ms, times of the whole program in s, and objects.
fn dumps(application: &mut Application, project: &Path, runs: usize) -> Result<(Vec<f64>, Vec<f64>, u64)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("heap.cbor");
    let (mut gaps, mut times) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let mut command = Command::new(project.join("target/release/pyheap-dump"));
        command.args(["--force", "--quiet", "-p", &application.pid().to_string(), "-o"]).arg(&file);
        let begin = Instant::now();
        let (found, _) = attached(application, command)?;
        times.push(begin.elapsed().as_secs_f64());
        // Less than what the application takes note of is no gap.
        gaps.push(largest(&found).map_or(0.0, Gap::milliseconds));
    }
    let objects = Dump::open(&file)?.summary().context("no summary")?.objects;
    Ok((gaps, times, objects))
}
