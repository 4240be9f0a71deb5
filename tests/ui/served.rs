//! A server under test, and a client that sends what no browser would.

use anyhow::{Context, Result, bail, ensure};
use pyheap_tests::binary;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a small dump may take to be prepared.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running `pyheap-analyze serve`.
pub struct Served {
    process: Child,
    /// `127.0.0.1:PORT`.
    pub host: String,
    pub token: String,
}

/// What was answered.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (of, value) = line.split_once(':')?;
            of.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Served {
    /// Serves a dump; answers only what is being done, as yet.
    pub fn start(dump: &Path, options: &[&str]) -> Result<Self> {
        let mut process = Command::new(binary("pyheap-analyze")?)
            .arg("serve")
            .arg(dump)
            .arg("--no-open")
            .args(options)
            .env("PYHEAP_CACHE_DIR", "")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        BufReader::new(process.stdout.take().context("standard output")?).read_line(&mut url)?;
        let parts = url.trim().strip_prefix("http://").and_then(|rest| rest.split_once("/?token="));
        let (host, token) = parts.with_context(|| format!("the first line is no URL: {url:?}"))?;
        Ok(Self { host: host.into(), token: token.into(), process })
    }

    /// Serves a dump, and waits until all of it is prepared.
    pub fn ready(dump: &Path, options: &[&str]) -> Result<Self> {
        let served = Self::start(dump, options)?;
        // What is made last is the comparison with the older dump.
        served.wait_for("/api/v1/diff")?;
        Ok(served)
    }

    /// Asks until the answer is not that it is being made.
    pub fn wait_for(&self, path: &str) -> Result<Answer> {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path)?;
            if answer.status != 503 {
                return Ok(answer);
            }
            ensure!(Instant::now() < end, "{path} is not ready: {}", answer.text());
            sleep(Duration::from_millis(20));
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// Asks with the token.
    pub fn get(&self, path: &str) -> Result<Answer> {
        let token = format!("Authorization: Bearer {}", self.token);
        self.send("GET", path, &[&format!("Host: {}", self.host), &token])
    }

    pub fn json(&self, path: &str) -> Result<Value> {
        let answer = self.wait_for(path)?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Sends a request with these headers and no others.
    pub fn send(&self, method: &str, path: &str, headers: &[&str]) -> Result<Answer> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let lines: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        write!(stream, "{method} {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n")?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else { bail!("no answer to {method} {path}") };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("a status")?;
        let body = bytes[end + 4..].to_vec();
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            unchunked(&body)
        } else {
            body
        };
        Ok(Answer { status, head, body })
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size =
            std::str::from_utf8(&body[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let Some(size) = size.filter(|&size| size > 0 && end + 4 + size <= body.len()) else { break };
        whole.extend(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
    whole
}

impl Drop for Served {
    fn drop(&mut self) {
        // It serves until it is ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
