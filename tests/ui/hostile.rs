//! A dump whose every text is meant to do harm.

use crate::browser::{Look, browse};
use crate::pages::{LARGEST, VIEWS};
use crate::served::Served;
use anyhow::{Context, Result, ensure};
use pyheap_format::header::{Footer, Header};
use pyheap_format::vocabulary::{FORMAT_VERSION, NONE};
use pyheap_format::writer::{ObjectRow, Sink, TypeRow, Writer};
use pyheap_format::{
    Edge, EdgeKind, EdgeName, EdgeSource, Frame, ObjectFlags, PreviewKind, RootKind, Summary, Thread,
};
use pyheap_tests::{Suite, Verdict};
use serde_json::json;
use std::convert::Infallible;

pub fn register(suite: &mut Suite) {
    suite.test("hostile_dump::pages", pages);
    suite.test("hostile_dump::browser", browser);
}

/// Runs, if anything of it ever does, in the page.
const SCRIPT: &str = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">\"'><svg onload=alert(1)>";

/// Turns round the order of what is read, acts on terminals, and is no text at all.
const ODD: &[u8] = "user\u{202e}nimda \u{2066}\u{1b}]52;c;aGk=\u{7}\u{0}\u{9b}2J \u{2028}end".as_bytes();

/// Characters of the longest text.
const LONG: usize = 10_000_000;

struct Stream(Vec<u8>);

impl Sink for &mut Stream {
    type Error = Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn dump() -> Vec<u8> {
    let header = Header {
        format: "pyheap".into(),
        version: FORMAT_VERSION,
        tool: SCRIPT.into(),
        created_at: SCRIPT.into(),
        pid: 1,
        command_line: vec!["python".into(), SCRIPT.into()],
        container: Some(SCRIPT.into()),
        ..Header::default()
    };
    let mut stream = Stream(header.to_record());
    let mut writer = Writer::new(&mut stream);
    let types = [
        ("builtins", "type"),
        ("builtins", "str"),
        ("builtins", "bytes"),
        ("builtins", "dict"),
        (SCRIPT, SCRIPT),
    ];
    let address = |object: u32| 0x7F00_0000 + u64::from(object) * 64;
    for (number, (module, qualname)) in (0..).zip(types) {
        let (object, address) = (number, address(number));
        writer.type_row(&TypeRow {
            object,
            address,
            module,
            qualname,
            basicsize: 16,
            itemsize: 0,
            flags: 0,
            base: None,
        });
    }
    let mut next = 0;
    let mut add =
        |writer: &mut Writer<&mut Stream>, class: u32, length: u64, preview: Option<(PreviewKind, &[u8])>| {
            if let Some((kind, data)) = preview {
                let Ok(()) = writer.preview(kind, data);
            }
            let row = ObjectRow {
                address: address(next),
                type_number: class,
                flags: ObjectFlags::HAS_LENGTH,
                shallow: 64 + length,
                allocated: 64 + length,
                refcount: 1,
                length,
            };
            let Ok(()) = writer.object(&row);
            next += 1;
            next - 1
        };
    for (module, qualname) in types {
        let name = format!("{module}.{qualname}");
        add(&mut writer, 0, 0, Some((PreviewKind::Name, name.as_bytes())));
    }
    let long = vec![b'<'; LONG];
    let texts: [(u32, PreviewKind, &[u8]); 6] = [
        (1, PreviewKind::Text, SCRIPT.as_bytes()),
        (1, PreviewKind::Text, SCRIPT.as_bytes()),
        (1, PreviewKind::Text, ODD),
        (1, PreviewKind::Text, b"\xff\xfe\x80 not UTF-8"),
        (2, PreviewKind::Bytes, b"\xff<script>"),
        (1, PreviewKind::Text, &long),
    ];
    let mut objects = Vec::new();
    for (class, kind, data) in texts {
        objects.push(add(&mut writer, class, data.len() as u64, Some((kind, data))));
    }
    for pair in [[0usize, 5], [2, 3], [1, 4]] {
        for (kind, place) in [(EdgeKind::Key, pair[0]), (EdgeKind::Value, pair[1])] {
            let name = EdgeName::new(kind, EdgeSource::Traverse, true, 0);
            let Ok(()) = writer.edge(Edge { target: objects[place], name });
        }
    }
    let holder = add(&mut writer, 3, 3, None);
    let attribute = writer.name(SCRIPT);
    let name = EdgeName::new(EdgeKind::Attribute, EdgeSource::Traverse, true, attribute);
    let Ok(()) = writer.edge(Edge { target: holder, name });
    let top = add(&mut writer, 4, 0, None);
    let frame = Frame {
        file: SCRIPT.into(),
        line: Some(1),
        function: SCRIPT.into(),
        code: NONE,
        locals: vec![(SCRIPT.into(), objects[5]), (SCRIPT.into(), top)],
    };
    let thread = Thread { name: Some(SCRIPT.into()), alive: true, frames: vec![frame], ..Thread::default() };
    let Ok(()) = writer.thread(&thread);
    let root = writer.name(SCRIPT);
    let Ok(()) = writer.root(RootKind::Interpreter, NONE, NONE, root, top);
    let Ok(()) = writer.finish(&Summary::default());
    drop(writer);
    let (records, bytes) = (0, stream.0.len() as u64);
    stream.0.extend(Footer { records, bytes, ..Footer::default() }.to_record());
    stream.0
}

/// The server of that dump, and all of its places that tell something of it.
fn served() -> Result<(Served, tempfile::TempDir, Vec<String>)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("<script>heap.cbor");
    std::fs::write(&file, dump())?;
    let served = Served::ready(&file, &[])?;
    let objects = served.json("/api/v1/objects?rows=100")?;
    ensure!(objects["count"].as_u64() >= Some(13), "{objects}");
    let mut places: Vec<String> = VIEWS
        .iter()
        .filter(|view| !view.starts_with("/types/paths"))
        .map(|view| (*view).to_owned())
        .collect();
    for object in objects["objects"].as_array().context("objects")? {
        let address = object["address"].as_str().context("an address")?;
        places.extend(
            ["", "?tab=attributes", "?tab=referents", "?tab=referrers", "?tab=paths", "/text"]
                .map(|tab| format!("/objects/{address}{tab}")),
        );
    }
    places.push("/search?q=%3Cscript%3E".to_owned());
    places.push("/objects?text=%3Cscript%3E&type=str".to_owned());
    places.push("/types?part=%22%3E%3Cscript%3E".to_owned());
    Ok((served, folder, places))
}

fn pages() -> Result<Verdict> {
    let (served, _folder, places) = served()?;
    for place in &places {
        let answer = served.get(place)?;
        ensure!(answer.status == 200, "{place}: {} {}", answer.status, answer.text());
        ensure!(answer.body.len() <= LARGEST, "{place} has {} bytes", answer.body.len());
        let page = String::from_utf8(answer.body)?;
        ensure!(
            !page.contains("<script>") && !page.contains("<img") && !page.contains("<svg onload"),
            "{place}"
        );
        let active = page.chars().find(|&of| of != '\n' && pyheap_format::text::is_active(of));
        ensure!(active.is_none(), "{place} contains {active:?}");
    }
    let text = served.json("/api/v1/openapi.json")?;
    ensure!(text["openapi"] == "3.1.0");
    Ok(Verdict::Passed)
}

fn browser() -> Result<Verdict> {
    let (served, _folder, places) = served()?;
    browse(Look::default(), |browser| async move {
        browser.client.goto(&served.url(&format!("/?token={}", served.token))).await?;
        for place in &places {
            browser.client.goto(&served.url(place)).await?;
            browser.until("document.readyState === 'complete' && document.title !== ''").await?;
            let title = browser.client.title().await?;
            ensure!(title.ends_with("– pyheap"), "{place}: {title}: {:.400}", browser.client.source().await?);
            let foreign = browser
                .run("return document.querySelectorAll('main script, main img, svg[onload]').length")
                .await?;
            ensure!(foreign == json!(0), "{place} has elements of the dump's");
            browser.nothing_failed(place).await?;
        }
        browser.picture("hostile").await
    })
}
