//! Measures the browser UI on a made-up heap: how soon its port answers, how long pages take, what it needs of memory.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use procfs::process::Process;
use pyheap_figures::{Figure, Limit, print};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Measure the browser UI on a large dump against its limits.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the dump is written, for as long as the benchmark runs: 0.5 GB for 10 million objects.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// Objects of the dump.
    #[arg(long, default_value_t = 10_000_000)]
    objects: u32,
    /// Random pages that are asked for.
    #[arg(long, default_value_t = 500)]
    pages: usize,
    /// Exit with an error where a limit is exceeded.
    #[arg(long)]
    strict: bool,
}

/// How long the dump may take to be prepared.
const PATIENCE: Duration = Duration::from_secs(600);

/// Objects whose pages are asked for.
const KNOWN: usize = 2000;

/// A page that took this time, and has so many bytes.
struct Page {
    place: String,
    seconds: f64,
    bytes: usize,
}

struct Server {
    process: Child,
    host: String,
    token: String,
    started: Instant,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It serves until it is ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir_in(&arguments.folder).context("folder for the dump")?;
    let programs = std::env::current_exe()?.parent().context("the folder of this program")?.to_owned();
    let dump = folder.path().join("heap.cbor");
    let status = Command::new(programs.join("generate-dump"))
        .args(["--objects", &arguments.objects.to_string(), "--output"])
        .arg(&dump)
        .status()
        .context("generate-dump: cargo build --release -p pyheap-bench builds it")?;
    ensure!(status.success(), "generate-dump: {status}");

    let started = Instant::now();
    let mut process = Command::new(programs.join("pyheap-analyze"))
        .arg("serve")
        .arg(&dump)
        .arg("--no-open")
        .env("PYHEAP_CACHE_DIR", "")
        .stdout(Stdio::piped())
        .spawn()
        .context("pyheap-analyze: cargo build --release -p pyheap-analyze builds it")?;
    let mut url = String::new();
    BufReader::new(process.stdout.take().context("standard output")?).read_line(&mut url)?;
    let parts = url.trim().strip_prefix("http://").and_then(|rest| rest.split_once("/?token="));
    let (host, token) = parts.context("the first line is no URL")?;
    let server = Server { process, host: host.into(), token: token.into(), started };
    server.get("/")?;
    let answered = server.started.elapsed().as_secs_f64();
    let first = server.wait_for("/")?;
    let all = server.wait_for("/api/v1/cycles?rows=1")?;
    server.wait_for("/api/v1/native-refs")?;

    let known = server.addresses(arguments.objects)?;
    let mut random = Random(7);
    let mut pages = Vec::new();
    for _ in 0..arguments.pages {
        pages.push(server.page(&random.place(arguments.objects, &known))?);
    }
    let memory = Process::new(server.process.id().try_into()?)?.status()?;
    let anonymous = memory.rssanon.context("anonymous memory")? * 1024;

    pages.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
    let at =
        |share: f64| pages.get((pages.len() as f64 * share) as usize).map_or(0.0, |page| page.seconds * 1e3);
    let largest = pages.iter().map(|page| page.bytes).max().unwrap_or_default();
    for page in pages.iter().rev().take(5) {
        eprintln!("{:.0} ms, {} bytes: {}", page.seconds * 1e3, page.bytes, page.place);
    }
    let figures = [
        Figure::of("the port answers", "s", vec![answered], Limit::AtMost(0.3)),
        Figure::of("the overview is there", "s", vec![first], Limit::None),
        Figure::of("everything is there", "s", vec![all], Limit::None),
        Figure::of("random pages, median", "ms", vec![at(0.5)], Limit::None),
        Figure::of("random pages, 95th percentile", "ms", vec![at(0.95)], Limit::AtMost(100.0)),
        Figure::of("the slowest of them", "ms", vec![at(0.9999)], Limit::None),
        Figure::of("the largest of them", "kB", vec![largest as f64 / 1e3], Limit::AtMost(500.0)),
        Figure::of(
            "anonymous memory",
            "B/object",
            vec![anonymous as f64 / f64::from(arguments.objects)],
            Limit::AtMost(100.0),
        ),
    ];
    let kept = print(&figures);
    Ok(if kept || !arguments.strict { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Server {
    /// Status and body.
    fn get(&self, place: &str) -> Result<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (host, token) = (&self.host, &self.token);
        write!(
            stream,
            "GET {place} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("an answer")?;
        let status =
            String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.context("a status")?, answer.split_off(end + 4)))
    }

    /// Seconds from the start until a place is there.
    fn wait_for(&self, place: &str) -> Result<f64> {
        loop {
            match self.get(place)?.0 {
                200 => return Ok(self.started.elapsed().as_secs_f64()),
                503 if self.started.elapsed() < PATIENCE => sleep(Duration::from_millis(20)),
                status => bail!("{place}: {status}"),
            }
        }
    }

    fn page(&self, place: &str) -> Result<Page> {
        let start = Instant::now();
        let (status, body) = self.get(place)?;
        let seconds = start.elapsed().as_secs_f64();
        ensure!(status == 200, "{place}: {status}");
        Ok(Page { place: place.to_owned(), seconds, bytes: body.len() })
    }

    /// Addresses of objects from all over the list.
    fn addresses(&self, objects: u32) -> Result<Vec<String>> {
        let mut addresses = Vec::new();
        for step in 0..KNOWN / 100 {
            let from = u64::from(objects) * step as u64 * 100 / KNOWN as u64;
            let (_, body) = self.get(&format!("/api/v1/objects?rows=100&from={from}"))?;
            let list: Value = serde_json::from_slice(&body)?;
            let rows = list["objects"].as_array().cloned().unwrap_or_default();
            addresses.extend(rows.iter().filter_map(|row| Some(row["address"].as_str()?.to_owned())));
        }
        ensure!(!addresses.is_empty(), "no objects");
        Ok(addresses)
    }
}

/// SplitMix64: numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * limit as u128) >> 64) as usize
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all.get(self.below(all.len())).copied().unwrap_or_default()
    }

    /// A place that somebody may look at: lists at any depth, in any order, objects with any of their tabs, and the other views.
    fn place(&mut self, objects: u32, known: &[String]) -> String {
        let from = self.below(objects as usize);
        let sort = self.of(&["retained", "allocated", "shallow"]);
        match self.below(10) {
            0 | 1 => format!("/objects?sort={sort}&from={from}"),
            2 => {
                let class = self.of(&["app.Record", "list", "tuple", "str"]);
                format!("/objects?type={class}&sort={sort}&from={}", from / 10)
            }
            3..=7 => {
                let tab =
                    self.of(&["elements", "attributes", "referents", "referrers", "dominated", "paths"]);
                let address = known.get(self.below(known.len())).map_or("", String::as_str);
                format!("/objects/{address}?tab={tab}")
            }
            _ => self
                .of(&[
                    "/",
                    "/flame",
                    "/flame?by=type",
                    "/holders",
                    "/types",
                    "/modules",
                    "/threads",
                    "/strings",
                    "/waste",
                    "/cycles",
                    "/native",
                    "/about",
                    "/search?q=rec",
                ])
                .to_owned(),
        }
    }
}
