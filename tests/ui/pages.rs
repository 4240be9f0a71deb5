//! Every page of every stored dump: there, small, escaped, and with links that lead somewhere.

use crate::served::Served;
use crate::{grown, stored};
use anyhow::{Context, Result, ensure};
use pyheap_tests::{Suite, Verdict};
use std::collections::BTreeSet;

pub fn register(suite: &mut Suite) {
    for name in ["3.8", "3.9", "3.10", "3.11", "3.12-full", "3.13"] {
        suite.test(&format!("every_view_of::{name}"), move || every_view(&format!("python{name}.cbor.zst")));
    }
    suite.test("links_lead_to_pages", links_lead_to_pages);
    suite.test("lists_are_paged_without_gaps", lists_are_paged_without_gaps);
    suite.test("what_makes_no_sense_is_told", what_makes_no_sense_is_told);
    suite.test("the_report_needs_nothing_else", the_report_needs_nothing_else);
    suite.test("nothing_of_contents_is_shown", nothing_of_contents_is_shown);
}

/// No page is larger than this, bytes.
pub const LARGEST: usize = 500_000;

/// Every view without what depends on the dump.
pub const VIEWS: [&str; 18] = [
    "/",
    "/flame",
    "/flame?by=type",
    "/holders",
    "/objects",
    "/objects?sort=allocated",
    "/types",
    "/types?sort=count",
    "/modules",
    "/threads",
    "/strings",
    "/waste",
    "/cycles",
    "/native",
    "/compare",
    "/about",
    "/search?q=session",
    "/types/paths?type=dict",
];

/// The tabs of an object.
pub const TABS: [&str; 6] = ["elements", "attributes", "referents", "referrers", "dominated", "paths"];

/// A page that was answered: small, with a policy that allows nothing but files of this server, and nothing in it that the policy
/// would forbid.
fn look_at(served: &Served, path: &str) -> Result<String> {
    let answer = served.wait_for(path)?;
    ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
    ensure!(answer.body.len() <= LARGEST, "{path} has {} bytes", answer.body.len());
    let policy = answer.header("content-security-policy").context("a policy")?;
    ensure!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    ensure!(answer.header("x-content-type-options") == Some("nosniff"), "{}", answer.head);
    ensure!(answer.header("cache-control") == Some("no-store"), "{}", answer.head);
    let page = String::from_utf8(answer.body).context("pages are UTF-8")?;
    for forbidden in
        [" style=\"", "<style", "=\"javascript:", " onclick=\"", "=\"http://", "=\"https://", "=\"//"]
    {
        ensure!(!page.contains(forbidden), "{path} contains {forbidden}");
    }
    for script in page.split("<script").skip(1) {
        ensure!(script.starts_with(" src=\"/assets/"), "{path} has a script in it");
    }
    Ok(page)
}

fn every_view(dump: &str) -> Result<Verdict> {
    let served = Served::ready(&stored(dump), &[])?;
    for view in VIEWS {
        look_at(&served, view)?;
    }
    let largest = served.json("/api/v1/objects?rows=5")?;
    for object in largest["objects"].as_array().context("objects")? {
        let address = object["address"].as_str().context("an address")?;
        for tab in TABS {
            look_at(&served, &format!("/objects/{address}?tab={tab}"))?;
        }
        look_at(&served, &format!("/objects/{address}/text"))?;
        look_at(&served, &format!("/flame?top={address}"))?;
        look_at(&served, &format!("/objects?held={address}"))?;
    }
    Ok(Verdict::Passed)
}

/// The places that a page links to.
fn links(page: &str) -> BTreeSet<String> {
    let parts = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    parts.filter(|link| link.starts_with('/')).map(|link| link.replace("&amp;", "&")).collect()
}

fn links_lead_to_pages() -> Result<Verdict> {
    let (new, old) = grown();
    let old = old.to_str().context("a path")?;
    let served = Served::ready(&new, &["--baseline", old])?;
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for view in VIEWS {
        // A list has hundreds of links of one kind: some from its start and some from its end stand for all.
        let found: Vec<String> = links(&look_at(&served, view)?).into_iter().collect();
        let ends = found.iter().take(12).chain(found.iter().rev().take(12));
        for link in ends.filter(|link| seen.insert((*link).clone())) {
            let answer = served.get(link)?;
            ensure!(answer.status == 200, "{view} links to {link}: {}", answer.status);
        }
    }
    ensure!(seen.len() > 60, "only {} links were found", seen.len());
    Ok(Verdict::Passed)
}

fn lists_are_paged_without_gaps() -> Result<Verdict> {
    let served = Served::ready(&grown().0, &[])?;
    let whole = served.json("/api/v1/objects?rows=1000")?;
    let addresses = |answer: &serde_json::Value| -> Vec<String> {
        let objects = answer["objects"].as_array().cloned().unwrap_or_default();
        objects.iter().filter_map(|object| Some(object["address"].as_str()?.to_owned())).collect()
    };
    let mut parts = Vec::new();
    for from in (0..1000).step_by(100) {
        parts.extend(addresses(&served.json(&format!("/api/v1/objects?rows=100&from={from}"))?));
    }
    ensure!(parts == addresses(&whole), "the pages together are not the list");
    let sizes: Vec<u64> = whole["objects"]
        .as_array()
        .context("objects")?
        .iter()
        .filter_map(|of| of["retained_size"].as_u64())
        .collect();
    ensure!(sizes.is_sorted_by(|left, right| left >= right), "the list is not sorted");
    // Behind the last page there is none, and nothing breaks.
    let page = look_at(&served, "/objects?from=4000000000")?;
    ensure!(page.contains("No object is left"));
    Ok(Verdict::Passed)
}

fn what_makes_no_sense_is_told() -> Result<Verdict> {
    let served = Served::ready(&grown().0, &[])?;
    let cases = [
        ("/nowhere", 404),
        ("/objects/0x1", 404),
        ("/objects/sandwich", 400),
        ("/objects?held=sandwich", 400),
        ("/objects?held=0x1", 404),
        ("/types/paths?type=no.such.type", 404),
        ("/types/paths", 400),
        ("/flame?top=0x1", 404),
        ("/api/v1/objects?sort=colour", 400),
        ("/api/v1/objects?rows=0", 400),
        ("/api/v1/objects?from=-1", 400),
        ("/api/v1/nothing", 404),
        ("/api/v1/diff", 404),
    ];
    for (path, status) in cases {
        let answer = served.get(path)?;
        ensure!(answer.status == status, "{path}: {} instead of {status}", answer.status);
        ensure!(answer.text().len() > 40, "{path} says nothing");
    }
    ensure!(look_at(&served, "/compare")?.contains("--baseline"), "the comparison says how to get one");
    ensure!(look_at(&served, "/objects?text=no+such+text+anywhere")?.contains("No object is left"));
    Ok(Verdict::Passed)
}

fn the_report_needs_nothing_else() -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("report.html");
    let dump = grown().0;
    pyheap_tests::analyze(&[
        "report",
        dump.to_str().context("a path")?,
        "-o",
        file.to_str().context("a path")?,
    ])?;
    let report = std::fs::read_to_string(&file)?;
    ensure!(report.len() < 3_000_000, "{} bytes", report.len());
    for forbidden in ["<script", "<link", " src=\"", "=\"http://", "=\"https://", "url("] {
        ensure!(!report.contains(forbidden), "the report contains {forbidden}");
    }
    for expected in [
        "Where memory accumulates",
        "Flame graph by type",
        "Objects that retain most",
        "worker",
        "__main__.Session",
    ] {
        ensure!(report.contains(expected), "{expected} is missing");
    }
    Ok(Verdict::Passed)
}

/// Contents of str, bytes, int and float objects of the program that was dumped, keys of its dicts, and docstrings.
const CONTENTS: [&str; 6] =
    ["session 1", "the same text", "/index", "[0.5, 1.5, 2.5", "A small program", "['session']"];

/// Names of its code: types, modules, variables, functions.
const NAMES: [&str; 4] = ["__main__", "CACHE", "Session", "Condition.wait"];

fn nothing_of_contents_is_shown() -> Result<Verdict> {
    let everything = |served: &Served| -> Result<String> {
        let mut all = String::new();
        let mut places: Vec<String> = VIEWS.iter().map(|view| (*view).to_owned()).collect();
        for query in [
            "",
            "?type=str",
            "?type=dict",
            "?type=list",
            "?type=__main__.Session",
            "?type=float",
            "?type=code",
        ] {
            let list = served.json(&format!(
                "/api/v1/objects{query}{}rows=20",
                if query.is_empty() { "?" } else { "&" }
            ))?;
            for object in list["objects"].as_array().context("objects")? {
                let address = object["address"].as_str().context("an address")?;
                places.extend(TABS.map(|tab| format!("/objects/{address}?tab={tab}")));
                places.push(format!("/objects/{address}/text"));
                places.push(format!("/api/v1/objects/{address}"));
            }
        }
        places.extend(
            ["threads", "leaks", "strings", "waste", "flame", "info", "cycles", "native-refs"]
                .map(|of| format!("/api/v1/{of}")),
        );
        for place in places {
            all += &served.wait_for(&place)?.text().replace("&quot;", "\"");
        }
        Ok(all)
    };
    let dump = grown().0;
    let shown = everything(&Served::ready(&dump, &[])?)?;
    for content in CONTENTS {
        ensure!(shown.contains(content), "{content} would not have been shown anyway");
    }
    let served = Served::ready(&dump, &["--redact"])?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("report.html");
    let (dump, report) = (dump.to_str().context("a path")?, file.to_str().context("a path")?);
    pyheap_tests::analyze(&["report", dump, "-o", report, "--redact"])?;
    let hidden = everything(&served)? + &std::fs::read_to_string(&file)?;
    for content in CONTENTS {
        ensure!(!hidden.contains(content), "{content} is shown");
    }
    for name in NAMES {
        ensure!(hidden.contains(name), "{name} is not shown");
    }
    // Searching would tell it all the same.
    ensure!(served.get("/api/v1/objects?text=session")?.status == 400);
    ensure!(served.get("/search?q=session")?.status == 200);
    Ok(Verdict::Passed)
}
