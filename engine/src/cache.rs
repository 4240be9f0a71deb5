//! Keeps analyses from one run to the next: the second question about a large dump is answered at once.
//!
//! Only a convenience: whatever is wrong with the folder or a file in it, the analysis is computed.

use crate::engine::Caching;
use etcetera::BaseStrategy;
use pyheap_format::reader::Dump;
use pyheap_heap::Ownership;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufWriter, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Smaller dumps are analysed in less time than it takes to notice, and kept only in a folder that was named.
const OBJECTS: u32 = 1_000_000;

/// Bytes that all kept analyses take at most; those that were not used for longest go first.
const CAPACITY: u64 = 4 << 30;

/// Where the analysis of one dump is kept.
#[derive(Debug)]
pub(crate) struct Cache {
    file: PathBuf,
}

impl Cache {
    /// The place for a dump; none where it is not to be kept.
    pub(crate) fn of(dump: &Dump, caching: &Caching) -> Option<Self> {
        let folder = match caching {
            Caching::Off => return None,
            Caching::Folder(folder) => folder.clone(),
            Caching::Usual if dump.object_count() < OBJECTS => return None,
            Caching::Usual => {
                etcetera::base_strategy::choose_base_strategy().ok()?.cache_dir().join("pyheap")
            }
        };
        let mut key = DefaultHasher::new();
        dump.digest().hash(&mut key);
        program().hash(&mut key);
        Some(Self { file: folder.join(format!("{:016x}.analysis", key.finish())) })
    }

    /// The kept analysis, if there is one that is whole.
    pub(crate) fn restore(&self, dump: &Dump) -> Option<Ownership> {
        let file = File::open(&self.file).ok()?;
        let ownership = Ownership::restore(dump, &file);
        if ownership.is_ok() {
            // The time of last use decides what goes first; that it cannot be set on a folder of somebody else does
            // not matter.
            let _ = file.set_modified(SystemTime::now());
        }
        ownership.ok()
    }

    /// Keeps an analysis. The file appears under its name when it is whole, so that other runs never see a part of it.
    ///
    /// # Errors
    /// Those of the file system, a full one for instance.
    pub(crate) fn store(&self, dump: &Dump, ownership: &Ownership) -> std::io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let file = tempfile::Builder::new().suffix(".analysis").tempfile_in(folder)?;
        ownership.save(dump, BufWriter::new(&file))?;
        file.persist(&self.file)?;
        remove_oldest(folder)
    }
}

/// What tells one build of this program from another: analyses of other builds may follow other rules.
fn program() -> impl Hash {
    let file = std::env::current_exe().and_then(fs::metadata).ok();
    let build = file.map(|file| (file.len(), file.modified().ok()));
    (env!("CARGO_PKG_VERSION"), build)
}

/// Removes the analyses that were not used for longest until the rest fits. Other runs may be doing the same.
fn remove_oldest(folder: &Path) -> std::io::Result<()> {
    let mut kept: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(folder)?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let path = entry.path();
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            (path.extension()? == "analysis").then_some((metadata.modified().ok()?, metadata.len(), path))
        })
        .collect();
    kept.sort();
    let mut size: u64 = kept.iter().map(|(_, size, _)| size).sum();
    for (_, own, path) in kept {
        if size <= CAPACITY {
            break;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => size -= own,
        }
    }
    Ok(())
}
