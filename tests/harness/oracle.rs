//! What an interpreter says of its own heap, as `targets/oracle.py` wrote it down.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// A whole heap as the interpreter sees it.
#[derive(Debug)]
pub struct Oracle {
    /// `sys.version` up to the first blank.
    pub version: String,
    /// Every object of the closure whose facts stood still.
    pub objects: Vec<Description>,
    types: HashMap<u64, String>,
}

/// One object.
#[derive(Debug, Default)]
pub struct Description {
    /// `id()`.
    pub address: u64,
    /// `id(type())`.
    pub kind: u64,
    /// `sys.getsizeof()`, in bytes, unless that would run Python code.
    pub size: Option<u64>,
    /// `gc.is_tracked()`.
    pub tracked: bool,
    /// `gc.get_referents()`: addresses.
    pub referents: Vec<u64>,
    /// Referents that the collector does not tell of: addresses.
    pub more: Vec<u64>,
}

#[derive(Deserialize)]
struct Preface {
    version: String,
    types: HashMap<String, String>,
}

impl Oracle {
    /// Reads the file.
    ///
    /// # Errors
    /// It is not what the target writes.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        let line_end = bytes.iter().position(|&byte| byte == b'\n').context("no preface")?;
        let (line, rest) = bytes.split_at(line_end + 1);
        let preface: Preface = serde_json::from_slice(line)?;
        let mut words =
            rest.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()));
        let mut objects = Vec::new();
        while let Some(address) = words.next() {
            let mut next = || words.next().context("the oracle's file is cut off");
            let (kind, size, tracked) = (next()?, next()?, next()? != 0);
            let (referents, more) = (next()? as usize, next()? as usize);
            let referents: Vec<_> = words.by_ref().take(referents).collect();
            let more: Vec<_> = words.by_ref().take(more).collect();
            let size = (size != u64::MAX).then_some(size);
            objects.push(Description { address, kind, size, tracked, referents, more });
        }
        ensure!(objects.len() > 1000, "the oracle knows only {} objects", objects.len());
        let types = preface
            .types
            .into_iter()
            .map(|(address, name)| Ok((address.parse()?, name)))
            .collect::<Result<_>>()?;
        let version = preface.version.split(' ').next().unwrap_or_default().to_owned();
        Ok(Self { version, objects, types })
    }

    /// `module.qualname` of an object's type.
    pub fn type_name(&self, object: &Description) -> &str {
        self.types.get(&object.kind).map_or("?", String::as_str)
    }
}
