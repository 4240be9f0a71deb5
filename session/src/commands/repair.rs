//! Takes breakpoints out of a process that a debugger left there when it died.

use crate::error::SessionError;
use crate::target::prepared::PreparedTarget;
use pyheap_format::text::printable;
use pyheap_process::ProcessMemory;
use pyheap_process::text::{self, LeftBreakpoint};

/// `pyheap-dump --repair PID`: compares all code of a process that no debugger is attached to. The text is the result, to be shown to the user.
pub fn run(pid: u32) -> Result<String, SessionError> {
    let memory = ProcessMemory::open(pid)?;
    let findings = text::left_breakpoints(pid, &memory)?;
    let mut lines = Vec::new();
    for breakpoint in &findings.breakpoints {
        remove(breakpoint, &memory)?;
        lines.push(describe(breakpoint));
    }
    lines.extend(findings.skipped.iter().map(|reason| format!("Not compared: {}.", printable(reason))));
    lines.push(match findings.breakpoints.len() {
        0 => format!(
            "Process {pid} has no breakpoints left in its code; {} files were compared.",
            findings.compared
        ),
        count => {
            format!("Process {pid} is repaired: {count} removed, {} files compared.", findings.compared)
        }
    });
    Ok(lines.join("\n"))
}

/// Removes what stands at these places of a process that is about to run on, and tells the user.
pub fn places(target: &mut PreparedTarget<'_>, pid: u32, places: &[u64]) -> Result<(), SessionError> {
    let memory = &target.memory.0;
    // Where the files cannot be had nothing can be told, and the dump does not depend on it.
    let breakpoints = text::left_breakpoints_at(pid, memory, places).unwrap_or_default();
    for breakpoint in &breakpoints {
        remove(breakpoint, memory)?;
        let told = format!("{} The process would have died of it.", describe(breakpoint));
        target.debugger.listener().note(&told);
    }
    Ok(())
}

fn remove(breakpoint: &LeftBreakpoint, memory: &ProcessMemory) -> Result<(), SessionError> {
    let address = breakpoint.address;
    breakpoint.remove(memory).map_err(|source| SessionError::Repair { address, source })
}

fn describe(breakpoint: &LeftBreakpoint) -> String {
    let place = match &breakpoint.symbol {
        Some((name, 0)) => format!("{} of ", printable(name)),
        Some((name, distance)) => format!("{}+{distance:#x} of ", printable(name)),
        None => String::new(),
    };
    format!(
        "Removed a breakpoint that a debugger left behind at {:#x}, {place}{}.",
        breakpoint.address,
        printable(&breakpoint.file)
    )
}
