//! Who is let in, and what is refused.

use crate::grown;
use crate::served::Served;
use anyhow::{Result, ensure};
use pyheap_tests::{Suite, Verdict, binary};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

pub fn register(suite: &mut Suite) {
    suite.test("only_the_token_lets_in", only_the_token_lets_in);
    suite.test("other_names_and_origins_are_refused", other_names_and_origins_are_refused);
    suite.test("nothing_but_reading_is_answered", nothing_but_reading_is_answered);
    suite.test("no_path_leads_to_a_file", no_path_leads_to_a_file);
    suite.test("the_port_answers_at_once", the_port_answers_at_once);
    suite.test("what_cannot_be_served_is_told", what_cannot_be_served_is_told);
}

const PAGES: [&str; 5] = ["/", "/objects", "/api/v1/info", "/assets/keys.js", "/nowhere"];

fn only_the_token_lets_in() -> Result<Verdict> {
    let served = Served::start(&grown().0, &[])?;
    let host = format!("Host: {}", served.host);
    for page in PAGES {
        for extra in ["X-Nothing: 1", "Cookie: pyheap=1", "Authorization: Bearer 0123", "Cookie: pyheap-0="] {
            let answer = served.send("GET", page, &[&host, extra])?;
            ensure!(answer.status == 403, "{page} with {extra}: {}", answer.status);
            ensure!(!answer.text().contains("app.py"), "the refusal tells of the dump");
        }
    }
    let wrong = served.send("GET", "/?token=00000000000000000000000000000000", &[&host])?;
    ensure!(wrong.status == 403);
    // The URL that is printed leads to one that can be shown to others, and leaves a cookie.
    let first = served.send("GET", &format!("/objects?sort=shallow&token={}", served.token), &[&host])?;
    ensure!(
        first.status == 303 && first.header("location") == Some("/objects?sort=shallow"),
        "{}",
        first.head
    );
    let cookie = first.header("set-cookie").unwrap_or_default().to_owned();
    ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite"), "{cookie}");
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap_or_default());
    let second = served.send("GET", "/about", &[&host, &cookie])?;
    ensure!(matches!(second.status, 200 | 503), "{}", second.status);
    Ok(Verdict::Passed)
}

fn other_names_and_origins_are_refused() -> Result<Verdict> {
    let served = Served::start(&grown().0, &[])?;
    let page = format!("/api/v1/info?token={}", served.token);
    let own = format!("Host: {}", served.host);
    // A name that somebody let point here: DNS rebinding.
    for host in
        ["Host: evil.example", "Host: 127.0.0.1.evil.example:80", "Host: localhost.evil.example", "X: 1"]
    {
        ensure!(served.send("GET", &page, &[host])?.status >= 400, "{host}");
    }
    for origin in ["Origin: https://evil.example", "Origin: null"] {
        ensure!(served.send("GET", &page, &[&own, origin])?.status == 403, "{origin}");
    }
    let same = format!("Origin: http://{}", served.host);
    ensure!(served.send("GET", &page, &[&own, &same])?.status != 403);
    Ok(Verdict::Passed)
}

fn nothing_but_reading_is_answered() -> Result<Verdict> {
    let served = Served::ready(&grown().0, &[])?;
    let (host, token) = (format!("Host: {}", served.host), format!("Authorization: Bearer {}", served.token));
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let answer = served.send(method, "/", &[&host, &token, "Content-Length: 0"])?;
        ensure!(answer.status >= 400, "{method}: {}", answer.status);
    }
    let before = served.get("/types")?.body;
    for _ in 0..3 {
        served.get("/objects?text=a")?;
    }
    ensure!(served.get("/types")?.body == before, "a GET changed an answer");
    Ok(Verdict::Passed)
}

fn no_path_leads_to_a_file() -> Result<Verdict> {
    let served = Served::ready(&grown().0, &[])?;
    let paths = [
        "/../../../../etc/passwd",
        "/assets/../../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/objects/..%2f..%2fetc%2fpasswd",
        "/objects/%00",
        "/api/v1/../../etc/passwd",
        "/.git/config",
    ];
    for path in paths {
        let answer = served.get(path)?;
        ensure!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        ensure!(!answer.text().contains("root:"), "{path} leads to a file");
    }
    Ok(Verdict::Passed)
}

/// How long the port may take to answer, with a machine busy with other tests.
const AT_ONCE: Duration = Duration::from_secs(3);

fn the_port_answers_at_once() -> Result<Verdict> {
    let begun = Instant::now();
    let served = Served::start(&grown().0, &[])?;
    let answer = served.get("/")?;
    ensure!(begun.elapsed() < AT_ONCE, "the first answer took {:?}", begun.elapsed());
    if answer.status == 503 {
        // It says what is being done, and comes again by itself.
        ensure!(answer.text().contains("http-equiv=\"refresh\""), "{}", answer.text());
    } else {
        ensure!(answer.status == 200, "{}", answer.status);
    }
    ensure!(served.wait_for("/")?.status == 200);
    Ok(Verdict::Passed)
}

fn what_cannot_be_served_is_told() -> Result<Verdict> {
    let serve = |arguments: &[&str]| {
        let output =
            Command::new(binary("pyheap-analyze")?).arg("serve").args(arguments).arg("--no-open").output()?;
        Ok::<_, anyhow::Error>((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()))
    };
    let (code, error) = serve(&["/nowhere/heap.cbor"])?;
    ensure!(code == Some(3) && error.contains("/nowhere/heap.cbor"), "{code:?} {error}");
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let (code, error) = serve(&[grown().0.to_str().unwrap_or_default(), "--port", &port])?;
    ensure!(code == Some(1) && error.contains(&port) && error.contains("hint:"), "{code:?} {error}");
    // Only the loopback interface is listened on unless that is asked for.
    let served = Served::start(&grown().0, &[])?;
    ensure!(served.host.starts_with("127.0.0.1:"), "{}", served.host);
    ensure!(TcpStream::connect(&served.host).is_ok());
    Ok(Verdict::Passed)
}
