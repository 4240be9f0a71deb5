//! What is kept from one run to the next, and that nothing depends on it.

#[expect(dead_code, reason = "the other tests that include it use the rest")]
#[path = "../../../heap/tests/sample/mod.rs"]
mod sample;

use sample::sample;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("heap.cbor"), sample().0).unwrap();
        Self { folder }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn kept(&self) -> Vec<PathBuf> {
        fs::read_dir(self.cache())
            .map_or_else(|_| vec![], |entries| entries.map(|entry| entry.unwrap().path()).collect())
    }

    fn command(&self, cache: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pyheap-analyze"));
        command.args(["retained-heap", "--format", "json"]).arg(self.folder.path().join("heap.cbor"));
        command.env("PYHEAP_CACHE_DIR", cache).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self) -> Output {
        self.command(&self.cache()).output().unwrap()
    }
}

fn silent(output: &Output) -> &[u8] {
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    &output.stdout
}

#[test]
fn an_analysis_is_kept_and_used_again() {
    let place = Place::new();
    let computed = place.run();
    let kept = place.kept();
    assert_eq!(kept.len(), 1);
    let mode = fs::metadata(&kept[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "nobody else may read it");
    let before = fs::metadata(&kept[0]).unwrap().modified().unwrap();
    assert_eq!(silent(&place.run()), silent(&computed));
    // It was opened, so it was marked as used; it was not written, so it is the same file.
    assert!(fs::metadata(&kept[0]).unwrap().modified().unwrap() >= before);
    assert_eq!(place.kept(), kept);
}

#[test]
fn a_damaged_one_is_replaced() {
    let place = Place::new();
    let computed = place.run();
    let kept = place.kept().remove(0);
    let whole = fs::read(&kept).unwrap();
    for damaged in
        [&whole[..whole.len() / 2], &[], &[whole[..40].to_vec(), vec![0xFF; whole.len() - 40]].concat()]
    {
        fs::write(&kept, damaged).unwrap();
        assert_eq!(silent(&place.run()), silent(&computed));
        assert_eq!(fs::read(&kept).unwrap(), whole);
    }
}

#[test]
fn another_dump_of_the_same_name_and_time_is_not_taken_for_the_first() {
    let place = Place::new();
    place.run();
    let dump = place.folder.path().join("heap.cbor");
    let modified = fs::metadata(&dump).unwrap().modified().unwrap();
    // The same but for its end, which is cut off.
    let bytes = fs::read(&dump).unwrap();
    fs::write(&dump, &bytes[..bytes.len() - 8]).unwrap();
    fs::File::options().append(true).open(&dump).unwrap().set_modified(modified).unwrap();
    place.run();
    assert_eq!(place.kept().len(), 2);
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let place = Place::new();
    let runs: Vec<_> = (0..8).map(|_| place.command(&place.cache()).spawn().unwrap()).collect();
    let outputs: Vec<Output> = runs.into_iter().map(|run| run.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert_eq!(silent(output), silent(&outputs[0]));
    }
    assert_eq!(place.kept().len(), 1, "and nothing half-written is left");
}

#[test]
fn a_disk_that_takes_no_more_costs_a_note() {
    let place = Place::new();
    let computed = place.run();
    fs::remove_file(place.kept().remove(0)).unwrap();
    // Files of this process can be no larger than one block, as if the disk were full.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" retained-heap --format json \"$1\""])
        .arg(env!("CARGO_BIN_EXE_pyheap-analyze"))
        .arg(place.folder.path().join("heap.cbor"))
        .env("PYHEAP_CACHE_DIR", place.cache())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, computed.stdout);
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("note: the analysis is not kept"));
    assert_eq!(place.kept(), Vec::<PathBuf>::new());
}

#[test]
fn no_folder_costs_a_note_and_an_empty_name_turns_the_cache_off() {
    let place = Place::new();
    let no_folder = place.folder.path().join("heap.cbor");
    let output = place.command(&no_folder).output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("note: the analysis is not kept"));
    assert_eq!(silent(&place.command(Path::new("")).output().unwrap()), output.stdout);
}

#[test]
fn what_was_not_used_for_longest_goes_when_there_is_too_much() {
    let place = Place::new();
    fs::create_dir(place.cache()).unwrap();
    let old = |name: &str, size: u64, days: u64| {
        let file = File::create(place.cache().join(name)).unwrap();
        // Without content it takes no room, and counts all the same.
        file.set_len(size).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(24 * days)).unwrap();
    };
    old("oldest.analysis", 1 << 30, 3);
    old("older.analysis", 3 << 30, 2);
    old("old.analysis", 3 << 30, 1);
    old("somebody else's", 3 << 30, 4);
    silent(&place.run());
    let kept = |name: &str| place.cache().join(name).exists();
    assert!(!kept("oldest.analysis") && !kept("older.analysis"));
    assert!(kept("old.analysis") && kept("somebody else's"));
    assert_eq!(place.kept().len(), 3);
}
