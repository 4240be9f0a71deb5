//! Finds the interpreter of live processes and compares it with what these processes say of themselves.

use pyheap_process::{Facts, Interpreter, ProcessError, ProcessMemory};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The interpreters of this machine: pyenv's and the system's.
fn interpreters() -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".pyenv")));
    let versions = root.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let mut found: Vec<PathBuf> = versions
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?.to_owned();
            let minor: u32 = name.strip_prefix("3.")?.split('.').next()?.parse().ok()?;
            (minor >= 8).then(|| path.join("bin/python3"))
        })
        .collect();
    found.extend([PathBuf::from("/usr/bin/python3")].into_iter().filter(|path| path.exists()));
    found
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("the target still runs");
        self.0.wait().expect("the target ends");
    }
}

/// Starts a process that tells the facts on its first line and then waits for its standard input to close.
fn start(interpreter: &Path) -> (Running, Vec<String>) {
    let code = "import sys, sysconfig as c\n\
        print(sys.hexversion, int(bool(c.get_config_var('Py_DEBUG'))), int(bool(c.get_config_var('Py_GIL_DISABLED'))), \
        c.get_config_var('INSTSONAME'), flush=True)\n\
        sys.stdin.read()";
    let mut child = Command::new(interpreter)
        .args(["-c", code])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("an interpreter");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    (Running(child), line.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn agrees_with_what_the_interpreters_say() {
    let interpreters = interpreters();
    assert!(!interpreters.is_empty(), "no interpreter on this machine");
    for path in interpreters {
        let (running, told) = start(&path);
        let pid = running.0.id();
        let memory = ProcessMemory::open(pid).expect("memory");
        let began = Instant::now();
        let found =
            Interpreter::find(pid, &memory).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let took = began.elapsed();
        assert_eq!(found.version.hex.to_string(), told[0], "{}", path.display());
        assert_eq!(u8::from(found.debug).to_string(), told[1], "{}", path.display());
        assert_eq!(u8::from(found.free_threaded).to_string(), told[2], "{}", path.display());
        // Debian builds a shared library too, but its executable does not use it.
        let in_executable = found.library == found.executable;
        assert!(in_executable || found.library.ends_with(&told[3]), "{} is not {}", found.library, told[3]);
        assert!(found.thread_state_swap.is_some() || found.version.hex >= 0x030C_0000, "{}", path.display());
        // The kernel agrees: the code at the addresses is executable memory of the right files.
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("maps");
        for (address, file) in [
            (found.eval_frame.start, found.library.as_str()),
            (found.save_thread, &found.library),
            (found.thread_state_swap.unwrap_or(found.save_thread), &found.library),
            (found.mmap, "/libc"),
            (found.munmap, "/libc"),
            (found.waitpid, "/libc"),
            (found.raise.start, "/libc"),
        ] {
            let line = maps.lines().find(|line| {
                let (start, end) = line.split(' ').next().and_then(|r| r.split_once('-')).expect("a range");
                let number = |text| u64::from_str_radix(text, 16).expect("hex");
                (number(start)..number(end)).contains(&address)
            });
            let line = line.expect("the address is mapped");
            assert!(line.contains("r-xp") && line.contains(file), "0x{address:x} of {file}: {line}");
        }
        println!("{}: {} in {took:?}", path.display(), found.version);
        assert!(took < Duration::from_millis(500), "{took:?}");
        let facts = Facts::read(pid).expect("facts");
        assert!(facts.command_line[1..].starts_with(&["-c".to_owned()]));
    }
}

#[test]
fn says_what_is_not_python() {
    let child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
    let running = Running(child);
    let pid = running.0.id();
    // The process maps its libraries only once it runs: wait for the first of them.
    while !std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("maps").contains("libc.so") {
        std::thread::yield_now();
    }
    let memory = ProcessMemory::open(pid).expect("memory");
    match Interpreter::find(pid, &memory) {
        Err(ProcessError::NotPython { executable, .. }) => assert!(executable.ends_with("cat")),
        other => panic!("{other:?}"),
    }
    match ProcessMemory::open(u32::MAX >> 2) {
        Err(ProcessError::NoSuchProcess { .. }) => {}
        other => panic!("{other:?}"),
    }
}
