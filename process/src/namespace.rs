//! Process ids across PID namespaces.

use procfs::process::Process;
use std::fs;

/// The process's own idea of its id: the id in its innermost PID namespace.
pub fn id_in_namespace(pid: u32) -> Option<u32> {
    Process::new(pid as i32).ok()?.status().ok()?.nspid?.last().map(|&id| id as u32)
}

/// Translates `inner`, a process id as process `pid` sees it, to the id that this process sees.
pub fn translate(pid: u32, inner: u32) -> Option<u32> {
    let namespace = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let of_target = namespace(pid)?;
    let fits = |candidate: u32| {
        namespace(candidate).as_ref() == Some(&of_target) && id_in_namespace(candidate) == Some(inner)
    };
    // The common case, without a look at every process.
    if fits(inner) {
        return Some(inner);
    }
    let names = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut candidates: Vec<u32> = names.filter_map(|name| name.parse().ok()).collect();
    // What is looked for is mostly young, with a high number.
    candidates.sort_unstable();
    candidates.into_iter().rev().find(|&candidate| fits(candidate))
}

/// The child of process `pid`, alive or not yet waited for, that has the id `inner` in the process's own namespace.
pub fn child(pid: u32, inner: u32) -> Option<u32> {
    let tasks = Process::new(pid as i32).and_then(|process| process.tasks()).into_iter().flatten();
    tasks
        .filter_map(|task| task.ok()?.children().ok())
        .flatten()
        .find(|&child| id_in_namespace(child) == Some(inner))
}

/// The thread of process `pid` that has the id `inner` in the process's own namespace.
pub fn thread(pid: u32, inner: u32) -> Option<u32> {
    let process = Process::new(pid as i32).ok()?;
    let id_inside = |id: i32| process.task_from_tid(id).ok()?.status().ok()?.nspid?.last().copied();
    // The common case, without a look at every thread.
    if id_inside(inner as i32) == Some(inner as i32) {
        return Some(inner);
    }
    let tasks = process.tasks().ok()?;
    tasks
        .filter_map(|task| Some(task.ok()?.tid))
        .find(|&id| id_inside(id) == Some(inner as i32))
        .map(|id| id as u32)
}

/// Whether any thread of process `pid`, which a debugger has stopped, stands at an instruction.
pub fn stands_at(pid: u32, instruction: u64) -> bool {
    // Whatever the line begins with, the last word is the program counter.
    let place = format!("{instruction:#x}");
    let tasks = Process::new(pid as i32).and_then(|process| process.tasks()).into_iter().flatten();
    tasks.filter_map(Result::ok).any(|task| {
        let line = fs::read_to_string(format!("/proc/{pid}/task/{}/syscall", task.tid));
        line.is_ok_and(|line| line.split_whitespace().next_back() == Some(&place))
    })
}

/// The process to which `id` belongs: `id` itself, unless it is that of another thread; nothing if there is neither.
pub fn process_of(id: u32) -> Option<u32> {
    // Unlike a listing, a look finds threads in /proc, too.
    Some(Process::new(id as i32).ok()?.status().ok()?.tgid as u32)
}

/// Processes that go by the id `inner` in a namespace of their own, as this process sees them.
pub fn known_as(inner: u32) -> Vec<u32> {
    let processes = procfs::process::all_processes().into_iter().flatten().flatten();
    let pids = processes.map(|process| process.pid() as u32);
    pids.filter(|&pid| pid != inner && id_in_namespace(pid) == Some(inner)).collect()
}

/// All processes that descend from process `pid`, nearest first.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(&parent) = found.get(at) {
        let tasks = Process::new(parent as i32).and_then(|process| process.tasks()).into_iter().flatten();
        let children = tasks.filter_map(|task| task.ok()?.children().ok()).flatten();
        found.extend(children);
        at += 1;
    }
    found.split_off(1)
}

/// The process in whose memory process `pid` runs because it was made by `vfork` and has not begun its program yet: its parent.
pub fn memory_lender(pid: u32) -> Option<u32> {
    let (_, parent) = state_and_parent(pid)?;
    let mut tasks = Process::new(parent as i32).ok()?.tasks().ok()?.flatten();
    // The kernel keeps the thread that made it waiting for so long.
    let lends = tasks.any(|task| {
        task.stat().is_ok_and(|stat| stat.state == 'D')
            && task.children().is_ok_and(|children| children.contains(&pid))
    });
    lends.then_some(parent)
}

/// State letter (`R`, `S`, `Z`, …) and parent of a process, or `None` when it is gone.
pub fn state_and_parent(pid: u32) -> Option<(char, u32)> {
    let stat = Process::new(pid as i32).ok()?.stat().ok()?;
    Some((stat.state, stat.ppid as u32))
}

/// Whether the process's first thread, which a debugger has stopped, stands within a system call.
pub fn is_in_system_call(pid: u32) -> bool {
    // The number of the call and its arguments, or -1 where it was stopped elsewhere.
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/syscall")).unwrap_or_default();
    text.split(' ').next().is_some_and(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::{child, state_and_parent, thread, translate};

    #[test]
    fn own_namespace() {
        let pid = std::process::id();
        assert_eq!(translate(pid, pid), Some(pid));
        assert_eq!(thread(pid, pid), Some(pid));
        assert_eq!(thread(pid, u32::MAX >> 2), None);
        assert_eq!(
            state_and_parent(pid).map(|(_, parent)| parent),
            Some(std::os::unix::process::parent_id())
        );
    }

    #[test]
    fn children_stay_until_they_are_waited_for() {
        let pid = std::process::id();
        let mut cat =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().expect("cat");
        let id = cat.id();
        assert_eq!(child(pid, id), Some(id));
        drop(cat.stdin.take());
        while state_and_parent(id) != Some(('Z', pid)) {
            std::thread::yield_now();
        }
        assert_eq!(child(pid, id), Some(id));
        cat.wait().expect("waited for");
        assert_eq!(child(pid, id), None);
    }
}
