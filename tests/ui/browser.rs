//! Chromium without a window, driven through its WebDriver.

use anyhow::{Context, Result, bail, ensure};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use pyheap_tests::{Verdict, project};
use serde_json::{Value, json};
use std::fs;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a page may take to do what it is told.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with one page.
pub struct Browser {
    pub client: Client,
    _driver: Driver,
}

/// The process that drives it.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How the browser is to show pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    pub dark: bool,
    pub narrow: bool,
}

/// Runs a test in a browser; without one it is skipped.
pub fn browse<F: Future<Output = Result<()>>>(
    look: Look,
    test: impl FnOnce(Browser) -> F,
) -> Result<Verdict> {
    for program in ["chromium", "chromedriver"] {
        if Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
        {
            let reason = format!("{program} is not installed (apt-get install chromium chromium-driver)");
            return Ok(Verdict::Skipped { reason, promised: true });
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let browser = Browser::start(look).await?;
        let client = browser.client.clone();
        let tested = test(browser).await;
        let closed = client.close().await;
        tested?;
        closed.context("the browser cannot be closed")
    })?;
    Ok(Verdict::Passed)
}

impl Browser {
    async fn start(look: Look) -> Result<Self> {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(process.stdout.take().context("standard output")?).lines();
        let driver = Driver(process);
        let mut port = None;
        for line in lines {
            if let Some((_, rest)) = line?.split_once("started successfully on port ") {
                port = rest.trim_end_matches('.').parse::<u16>().ok();
                break;
            }
        }
        let port = port.context("chromedriver does not say on which port it listens")?;
        let size = if look.narrow { "--window-size=480,900" } else { "--window-size=1440,1000" };
        let scheme = format!("--blink-settings=preferredColorScheme={}", if look.dark { 0 } else { 1 });
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            size,
            &scheme,
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { bail!("capabilities are an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await?;
        Ok(Self { client, _driver: driver })
    }

    /// Runs a script in the page and returns its value.
    pub async fn run(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// Waits until a script's value is true.
    pub async fn until(&self, condition: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.run(&format!("return Boolean({condition});")).await? != json!(true) {
            ensure!(Instant::now() < end, "never: {condition}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Presses a key where the page has its focus.
    pub async fn press(&self, key: &str) -> Result<()> {
        Ok(self.client.active_element().await?.send_keys(key).await?)
    }

    pub async fn text(&self, selector: &str) -> Result<String> {
        Ok(self.client.find(Locator::Css(selector)).await?.text().await?)
    }

    pub async fn click(&self, selector: &str) -> Result<()> {
        Ok(self.client.find(Locator::Css(selector)).await?.click().await?)
    }

    /// The place of the page, without its host.
    pub async fn place(&self) -> Result<String> {
        let url = self.client.current_url().await?;
        Ok(url[url::Position::BeforePath..].to_owned())
    }

    /// What the page shows, as a picture among the build's files, for people to look at.
    pub async fn picture(&self, name: &str) -> Result<()> {
        let folder = project().join("target/ui-pictures");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{name}.png")), self.client.screenshot().await?)?;
        Ok(())
    }

    /// Nothing was refused by the page's policy, and no script failed.
    pub async fn nothing_failed(&self, of: &str) -> Result<()> {
        #[derive(Debug)]
        struct Log;
        impl fantoccini::wd::WebDriverCompatibleCommand for Log {
            fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
                base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
            }
            fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
                (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
            }
        }
        let log = self.client.issue_cmd(Log).await?;
        let severe: Vec<&Value> =
            log.as_array().into_iter().flatten().filter(|entry| entry["level"] == "SEVERE").collect();
        ensure!(severe.is_empty(), "{of}: {severe:?}");
        Ok(())
    }

    /// What axe-core finds that would keep somebody from using the page.
    pub async fn is_accessible(&self, of: &str) -> Result<()> {
        let axe = fs::read_to_string(project().join("tests/ui/axe/axe.min.js"))?;
        self.run(&axe).await?;
        let found = self
            .client
            .execute_async(
                "const done = arguments[arguments.length - 1];
                 axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations
                   .filter((of) => ['serious', 'critical'].includes(of.impact))
                   .map((of) => of.id + ': ' + of.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(' | '))));",
                Vec::new(),
            )
            .await?;
        ensure!(found == json!([]), "{of}: {found:#}");
        Ok(())
    }
}
