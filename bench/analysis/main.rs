//! Measures `pyheap-analyze retained-heap` on made-up heaps, from the start of the process to its end.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, ensure};
use clap::Parser;
use procfs::process::Process;
use pyheap_figures::{Figure, Limit, print};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Measure the analysis of large dumps against its limits.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the dumps are written, for as long as the benchmark runs: 1.5 GB for the largest, and half of that for what is kept of it.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// Objects of the large dump.
    #[arg(long, default_value_t = 30_000_000)]
    objects: u32,
    /// How often each measurement is repeated; medians and worst cases are printed.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Exit with an error where a limit is exceeded.
    #[arg(long)]
    strict: bool,
}

/// Objects of the small dump, which the growth is measured from.
const SMALL: u32 = 1_600_000;

/// Objects of the chain and of the hub.
const LONG: u32 = 10_000_000;

/// How often the memory of the process is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// One run.
struct Run {
    /// Seconds of the clock.
    wall: f64,
    /// Seconds of processors, the kernel's included.
    processor: f64,
    /// Most bytes of memory that no file backs.
    anonymous: u64,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir_in(&arguments.folder).context("folder for the dumps")?;
    let programs = std::env::current_exe()?.parent().context("the folder of this program")?.to_owned();
    let bench = Bench { programs, folder: folder.path().to_owned(), runs: arguments.runs };

    let small = bench.dump("mixed", SMALL)?;
    let small = bench.measure(&small, "")?;
    let chain = bench.measure(&bench.dump("chain", LONG)?, "")?;
    let hub = bench.measure(&bench.dump("hub", LONG)?, "")?;
    let dump = bench.dump("mixed", arguments.objects)?;
    let large = bench.measure(&dump, "")?;
    let cache = folder.path().join("cache").into_os_string().into_string().ok().context("folder")?;
    bench.run(&dump, &cache)?;
    let again = bench.measure(&dump, &cache)?;

    let walls = |runs: &[Run]| runs.iter().map(|run| run.wall).collect::<Vec<_>>();
    let processors = |runs: &[Run]| runs.iter().map(|run| run.processor).collect::<Vec<_>>();
    let ratio = f64::from(arguments.objects) / f64::from(SMALL);
    let least = |runs: &[Run]| processors(runs).into_iter().fold(f64::INFINITY, f64::min);
    let growth = least(&large) / least(&small) / ratio;
    let anonymous = large.iter().map(|run| run.anonymous as f64 / 1e9).collect();
    let figures = [
        Figure::of("1.6 million objects", "s", walls(&small), Limit::AtMost(0.6)),
        Figure::of("the large dump", "s", walls(&large), Limit::AtMost(20.0)),
        Figure::of("its processor time", "s", processors(&large), Limit::None),
        Figure::of("its anonymous memory", "GB", anonymous, Limit::AtMost(2.5)),
        Figure::of("opened again, from the cache", "s", walls(&again), Limit::AtMost(4.0)),
        Figure::of("growth of processor time over linear", "times", vec![growth], Limit::AtMost(4.0)),
        Figure::of("chain of 10 million", "s", walls(&chain), Limit::None),
        Figure::of("hub of 10 million referrers", "s", walls(&hub), Limit::None),
    ];
    let kept = print(&figures);
    Ok(if kept || !arguments.strict { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Bench {
    programs: PathBuf,
    folder: PathBuf,
    runs: usize,
}

impl Bench {
    fn dump(&self, shape: &str, objects: u32) -> Result<PathBuf> {
        let file = self.folder.join(format!("{shape}-{objects}.cbor"));
        let status = Command::new(self.programs.join("generate-dump"))
            .args(["--shape", shape, "--objects", &objects.to_string(), "--output"])
            .arg(&file)
            .status()
            .context("generate-dump: cargo build --release -p pyheap-bench builds it")?;
        ensure!(status.success(), "generate-dump: {status}");
        Ok(file)
    }

    fn measure(&self, dump: &Path, cache: &str) -> Result<Vec<Run>> {
        (0..self.runs.max(1)).map(|_| self.run(dump, cache)).collect()
    }

    fn run(&self, dump: &Path, cache: &str) -> Result<Run> {
        let start = Instant::now();
        let mut child = Command::new(self.programs.join("pyheap-analyze"))
            .arg("retained-heap")
            .arg(dump)
            .env("PYHEAP_CACHE_DIR", cache)
            .stdout(Stdio::null())
            .spawn()
            .context("pyheap-analyze: cargo build --release -p pyheap-analyze builds it")?;
        let process = Process::new(child.id().try_into()?)?;
        let mut anonymous = 0;
        // Until it is waited for, an ended process keeps its figures.
        let stat = loop {
            let stat = process.stat()?;
            if stat.state == 'Z' {
                break stat;
            }
            anonymous = anonymous.max(process.status()?.rssanon.unwrap_or_default() * 1024);
            sleep(INTERVAL);
        };
        let wall = start.elapsed().as_secs_f64();
        ensure!(child.wait()?.success(), "pyheap-analyze failed");
        let processor = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
        Ok(Run { wall, processor, anonymous })
    }
}
