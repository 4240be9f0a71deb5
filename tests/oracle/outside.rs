//! The walker against the oracle without injection: memory is read from outside, and the oracle stands in for `tp_traverse`.
//!
//! Shows that the walk needs no live process of its own, and tells layout errors apart from errors of what runs inside the target.

use crate::comparison::Comparison;
use anyhow::{Context, Result, ensure};
use pyheap_format::header::{Footer, Header, Python as PythonHeader};
use pyheap_format::writer::Sink;
use pyheap_process::{Interpreter as Found, ProcessMemory};
use pyheap_tests::{Heap, Interpreter, Oracle, Target, Verdict};
use pyheap_walker::{
    Extents, Interpreter as Located, Memory, Options, Progress, Traversal, Unreadable, Walk,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;

/// A process that stands still in a system call.
struct Outside {
    memory: ProcessMemory,
    /// By address, whole pages: the walker reads a few bytes at a time.
    pages: RefCell<HashMap<u64, Option<Vec<u8>>>>,
    referents: HashMap<u64, Vec<u64>>,
}

const PAGE: u64 = 4096;

impl Memory for Outside {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let failed = Unreadable { address, length: buffer.len() };
        let mut pages = self.pages.borrow_mut();
        let mut at = address;
        let mut rest = buffer;
        while !rest.is_empty() {
            let start = at / PAGE * PAGE;
            let page = pages.entry(start).or_insert_with(|| {
                let mut page = vec![0; PAGE as usize];
                self.memory.read(start, &mut page).ok().map(|()| page)
            });
            let found = page.as_ref().and_then(|page| page.get((at - start) as usize..)).ok_or(failed)?;
            let length = found.len().min(rest.len());
            let (part, behind) = rest.split_at_mut(length);
            part.copy_from_slice(&found[..length]);
            rest = behind;
            at = at.checked_add(length as u64).ok_or(failed)?;
        }
        Ok(())
    }

    fn traverse(&self, _: u64, object: u64, visit: &mut dyn FnMut(u64)) -> Traversal {
        for &referent in self.referents.get(&object).into_iter().flatten() {
            visit(referent);
        }
        Traversal::Complete
    }
}

/// Keeps every record that the walker writes.
#[derive(Clone, Default)]
struct Records(Rc<RefCell<Vec<Vec<u8>>>>);

impl Sink for Records {
    type Error = Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.borrow_mut().push(bytes.to_vec());
        Ok(())
    }
}

/// Compares one interpreter's heap.
pub fn agrees(interpreter: Interpreter) -> Result<Verdict> {
    let python = match interpreter.find() {
        Ok(python) => python,
        Err(error) => {
            let reason = format!("{interpreter}: {error:#}");
            return Ok(Verdict::Skipped { reason, promised: interpreter.promised() });
        }
    };
    let folder = tempfile::tempdir()?;
    let notes = folder.path().join("oracle");
    let target = Target::spawn(&python, "oracle.py", &[&notes.to_string_lossy()])?;
    let oracle = Oracle::read(&notes)?;
    let memory = ProcessMemory::open(target.pid())?;
    let found = Found::find(target.pid(), &memory)?;
    let referents = oracle.objects.iter().map(|one| (one.address, one.referents.clone())).collect();
    let outside = Outside { memory, pages: RefCell::default(), referents };
    let located =
        Located::locate(&outside, found.runtime, found.version.hex, found.free_threaded, found.debug)?;

    let version = python.version_text();
    let header = Header {
        format: "pyheap".to_owned(),
        version: pyheap_format::vocabulary::FORMAT_VERSION,
        python: PythonHeader { version: version.clone(), ..PythonHeader::default() },
        ..Header::default()
    };
    let records = Records::default();
    records.0.borrow_mut().push(header.to_record());
    let options = Options {
        str_repr_len: 200,
        digest_limit: u64::MAX,
        image: found.image.clone(),
        data: vec![],
        extents: Extents::default(),
    };
    let failed = |error| anyhow::anyhow!("the walk failed: {error:?}");
    let mut walk = Walk::start(&outside, located, options, records.clone()).map_err(failed)?;
    while walk.step(|| false).map_err(failed)? == Progress::More {}
    walk.finish(0, 0, None).map_err(failed)?;
    let mut records = records.0.take();
    let bytes = records.iter().map(Vec::len).sum::<usize>() as u64;
    let footer = Footer { records: records.len() as u64, bytes, ..Footer::default() };
    records.push(footer.to_record());
    target.finish()?;
    let file = folder.path().join("heap.cbor");
    std::fs::write(&file, records.concat())?;
    let heap = Heap::open(&file).context("the walker's dump")?;
    ensure!(oracle.version == version, "version {}", oracle.version);
    let comparison = Comparison::of(&oracle, &heap);
    println!("{comparison}");
    comparison.check(crate::EXACT_SIZES)?;
    Ok(Verdict::Passed)
}
