//! The user's session: settings, signals, breakpoints, selection, and how to put all of it back.

use crate::backend::execute;
use pyo3::prelude::*;
use pyo3::types::PyBool;
use std::collections::BTreeMap;

/// Settings that the commands need, and the values that they need. The first one depends on a process, so it is the first to be put back.
const NEEDED: [(&str, &str); 6] = [
    // When the process runs, all of its threads do.
    ("scheduler-locking", "off"),
    // Breakpoints, GDB's own included, are in the process only while it runs to one.
    ("breakpoint always-inserted", "off"),
    // Our expressions are C.
    ("language", "c"),
    ("confirm", "off"),
    ("pagination", "off"),
    // A library that the target loads meanwhile is no reason to stop.
    ("stop-on-solib-events", "0"),
];

/// What the user had set up.
pub struct Settings<'py> {
    gdb: Bound<'py, PyModule>,
    /// Names and values to be put back, the first one last.
    parameters: Vec<(&'static str, String)>,
    /// Commands that put the handling of signals back.
    signals: Vec<String>,
    breakpoints: Vec<Bound<'py, PyAny>>,
    thread: Option<Bound<'py, PyAny>>,
    frame: Option<Bound<'py, PyAny>>,
}

impl<'py> Settings<'py> {
    /// Nothing changed yet.
    pub fn new(gdb: Bound<'py, PyModule>) -> Self {
        Self {
            gdb,
            parameters: Vec::new(),
            signals: Vec::new(),
            breakpoints: Vec::new(),
            thread: None,
            frame: None,
        }
    }

    /// Remembers what the user had set up, and sets up what the commands need.
    pub fn apply(&mut self) -> PyResult<()> {
        self.thread = Some(self.gdb.call_method0("selected_thread")?).filter(|thread| !thread.is_none());
        // The innermost frame is what GDB selects by itself; another one has to be selected again.
        let frame = self.gdb.call_method0("selected_frame")?;
        self.frame = if frame.eq(self.gdb.call_method0("newest_frame")?)? { None } else { Some(frame) };

        for breakpoint in self.gdb.call_method0("breakpoints")?.try_iter()? {
            let breakpoint = breakpoint?;
            if breakpoint.getattr("enabled")?.is_truthy()? {
                breakpoint.setattr("enabled", false)?;
                self.breakpoints.push(breakpoint);
            }
        }
        for (name, value) in NEEDED.iter().rev() {
            let old = text(&self.gdb.call_method1("parameter", (*name,))?)?;
            if old != *value {
                self.parameters.push((name, old));
                execute(&self.gdb, &format!("set {name} {value}"))?;
            }
        }
        self.signals = restoring_commands(&execute(&self.gdb, "info signals")?);
        execute(&self.gdb, "handle all nostop noprint pass")?;
        Ok(())
    }

    /// The process has run: the frame that was selected may be gone.
    pub fn process_ran(&mut self) {
        self.frame = None;
    }

    /// Puts back what needs a live process: to be called before it is let go.
    pub fn unlock(&mut self) -> PyResult<()> {
        if let Some((name, value)) = self.parameters.pop_if(|(name, _)| *name == NEEDED[0].0) {
            execute(&self.gdb, &format!("set {name} {value}"))?;
        }
        self.thread = None;
        self.frame = None;
        Ok(())
    }

    /// Puts everything back. Goes on after an error and returns the first one.
    pub fn restore(mut self) -> PyResult<()> {
        let mut first = Ok(());
        let mut note = |result: PyResult<()>| {
            if first.is_ok() {
                first = result;
            }
        };
        while let Some((name, value)) = self.parameters.pop() {
            note(execute(&self.gdb, &format!("set {name} {value}")).map(drop));
        }
        for command in &self.signals {
            note(execute(&self.gdb, command).map(drop));
        }
        for breakpoint in &self.breakpoints {
            note(breakpoint.setattr("enabled", true));
        }
        if let Some(thread) = self.thread.as_ref().filter(|thread| is_valid(thread)) {
            note(thread.call_method0("switch").map(drop));
        }
        if let Some(frame) = self.frame.as_ref().filter(|frame| is_valid(frame)) {
            note(frame.call_method0("select").map(drop));
        }
        first
    }
}

fn is_valid(object: &Bound<'_, PyAny>) -> bool {
    object.call_method0("is_valid").and_then(|valid| valid.is_truthy()).unwrap_or(false)
}

/// A parameter's value as `set` takes it.
fn text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if value.is_none() {
        return Ok("unlimited".into());
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(if flag.is_true() { "on" } else { "off" }.into());
    }
    Ok(value.str()?.to_string())
}

/// Commands that bring the handling of signals to what `info signals` shows, one for all signals that are handled alike.
///
/// GDB offers the table as text only: a line per signal, with name, `Stop`, `Print` and `Pass to program` in columns. Signals that the
/// debugger uses itself are left out: `handle all` does not change them.
fn restoring_commands(table: &str) -> Vec<String> {
    let mut alike: BTreeMap<[bool; 3], Vec<&str>> = BTreeMap::new();
    for line in table.lines() {
        let mut words = line.split_whitespace();
        let Some(name) = words.next().filter(|name| name.starts_with("SIG") || name.starts_with("EXC_"))
        else {
            continue;
        };
        let flags: Vec<bool> = words.take(3).map(|word| word == "Yes").collect();
        let Ok(handling) = <[bool; 3]>::try_from(flags) else { continue };
        if matches!(name, "SIGTRAP" | "SIGINT") || handling == [false, false, true] {
            continue;
        }
        alike.entry(handling).or_default().push(name);
    }
    alike
        .into_iter()
        .map(|([stop, print, pass], names)| {
            let word = |flag, yes, no| if flag { yes } else { no };
            format!(
                "handle {} {} {} {}",
                names.join(" "),
                word(print, "print", "noprint"),
                word(stop, "stop", "nostop"),
                word(pass, "pass", "nopass")
            )
        })
        .collect()
}
