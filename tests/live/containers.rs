//! Processes in containers, from outside and from a container beside them.

use crate::program::{on_usual, run, succeed};
use anyhow::{Context, Result, ensure};
use pyheap_tests::{
    DockerEngine, Heap, PYTHON_INSIDE, Python, Suite, Target, Verdict, binary, make_root, project, skipped,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

pub fn register(suite: &mut Suite) {
    for (name, test) in [
        ("docker_from_the_host", docker_from_the_host as fn(&Python) -> Result<Verdict>),
        ("docker_from_a_container_beside", docker_from_a_container_beside),
        ("another_root", another_root),
        ("user_namespace", user_namespace),
        ("systemd_nspawn", systemd_nspawn),
        ("executable_replaced_by_an_upgrade", executable_replaced_by_an_upgrade),
    ] {
        on_usual(suite, name, test);
    }
}

/// A name that no container of another engine on this machine has.
fn unique_name() -> String {
    format!("pyheap-test-{}", std::process::id())
}

/// Starts a target as PID 1 of a container that may do as little as containers can: not root, nothing to write to, little memory, and
/// Docker's seccomp filter.
fn start(engine: &DockerEngine, python: &Python, name: &str) -> Result<Target> {
    let root = tempfile::tempdir()?;
    make_root(python, root.path())?;
    engine.import(root.path(), "target")?;
    let mut command = engine.docker(&["run", "--rm", "--interactive", "--network=none", "--name", name]);
    command.args([
        "--user=1000",
        "--read-only",
        "--memory=256m",
        "target",
        PYTHON_INSIDE,
        "-B",
        "/app/idle.py",
    ]);
    let target = Target::start(command)?;
    ensure!(target.number("pid")? == 1, "the target is not PID 1");
    Ok(target)
}

/// Checks that a dump is that of the target, made by whoever.
fn check(file: &Path, target: &Target) -> Result<()> {
    let heap = Heap::open(file)?;
    ensure!(heap.number(target.number("table")?).is_some(), "TABLE is not in the dump");
    Ok(())
}

fn docker_from_the_host(python: &Python) -> Result<Verdict> {
    let engine = match DockerEngine::start() {
        Ok(engine) => engine,
        Err(error) => return skipped(format!("no Docker engine: {error:#}")),
    };
    let folder = tempfile::tempdir()?;
    let name = unique_name();
    let target = start(&engine, python, &name)?;
    let id = engine.succeed(&["inspect", "--format={{.Id}}", &name])?;
    let pid: u32 = engine.succeed(&["inspect", "--format={{.State.Pid}}", &name])?.parse()?;
    let file = folder.path().join("heap.cbor");
    for arguments in [
        ["--container", &id[..12]],
        ["--container", &name],
        ["--docker-container", &name],
        ["-p", &pid.to_string()],
    ] {
        let output = dump(&engine, folder.path(), &[&arguments[..], &["-o", "heap.cbor"]].concat())?;
        ensure!(output.status.success(), "{arguments:?}: {output:?}");
        check(&file, &target).with_context(|| format!("{arguments:?}"))?;
        let heap = Heap::open(&file)?;
        ensure!(heap.dump.header().pid == pid, "{arguments:?}: {} was dumped", heap.dump.header().pid);
        ensure!(heap.dump.header().container.as_ref() == Some(&id), "{:?}", heap.dump.header().container);
        fs::remove_file(&file)?;
    }
    let output = dump(&engine, folder.path(), &["--docker-container", "no-such-container"])?;
    ensure!(output.status.code() == Some(3), "{output:?}");
    let listed = succeed(folder.path(), &["--list"])?;
    ensure!(listed.contains(&id[..12]), "{listed}");
    target.finish()?;
    Ok(Verdict::Passed)
}

fn dump(engine: &DockerEngine, folder: &Path, arguments: &[&str]) -> Result<std::process::Output> {
    let mut command = Command::new(binary("pyheap-dump")?);
    command.args(arguments).current_dir(folder).env("DOCKER_HOST", engine.address());
    Ok(command.output()?)
}

/// The image of `packaging/`, in the target's PID namespace.
fn docker_from_a_container_beside(python: &Python) -> Result<Verdict> {
    let package = project().join("target/package");
    if !package.join("bin/pyheap-dump").exists() {
        return skipped("target/package is not made (cargo xtask package)");
    }
    let engine = match DockerEngine::start() {
        Ok(engine) => engine,
        Err(error) => return skipped(format!("no Docker engine: {error:#}")),
    };
    let recipe = project().join("packaging/Dockerfile");
    engine.succeed(&[
        "build",
        "-t",
        "pyheap",
        "-f",
        &recipe.to_string_lossy(),
        &package.to_string_lossy(),
    ])?;
    let folder = tempfile::tempdir()?;
    // Whoever the dumper is.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
    let name = unique_name();
    let target = start(&engine, python, &name)?;
    let processes = format!("--pid=container:{name}");
    let volume = format!("{}:/dumps", folder.path().display());
    let beside = ["run", "--rm", "--network=none", &processes, "-v", &volume];
    let run = |more: &[&str]| engine.docker(&[&beside[..], more].concat()).output();
    let dump = ["pyheap", "pyheap-dump", "-p", "1", "-o", "/dumps/heap.cbor", "--force"];

    // The capability is what makes the difference, and its name is told.
    let output = run(&dump)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(4) && said.contains("SYS_PTRACE"), "{output:?}");

    let output = run(&[&["--cap-add=SYS_PTRACE"][..], &dump].concat())?;
    ensure!(output.status.success(), "{output:?}");
    check(&folder.path().join("heap.cbor"), &target)?;

    // The target's own user needs none.
    let output = run(&[&["--user=1000"][..], &dump].concat())?;
    ensure!(output.status.success(), "{output:?}");
    check(&folder.path().join("heap.cbor"), &target)?;

    let output =
        run(&["--cap-add=SYS_PTRACE", "--read-only", "pyheap", "pyheap-dump", "-p", "1", "-o", "-"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let streamed = folder.path().join("streamed.cbor");
    fs::write(&streamed, output.stdout)?;
    check(&streamed, &target)?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// PID 1 of namespaces of its own, in a root where another program has the interpreter's path.
fn another_root(python: &Python) -> Result<Verdict> {
    let root = tempfile::tempdir()?;
    make_root(python, root.path())?;
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc", "--net", "--mount-proc"]);
    command.arg("--root").arg(root.path()).args([PYTHON_INSIDE, "-B", "/app/idle.py"]);
    dump_by_child(command, "unshare")
}

fn user_namespace(python: &Python) -> Result<Verdict> {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.arg(&python.path).arg(Target::script("idle.py"));
    dump_by_child(command, "unshare")
}

fn systemd_nspawn(python: &Python) -> Result<Verdict> {
    if Command::new("systemd-nspawn").arg("--version").output().is_err() {
        return skipped("systemd-nspawn is not installed");
    }
    let root = tempfile::tempdir()?;
    make_root(python, root.path())?;
    // Without it, this is no root of a system.
    fs::write(root.path().join("etc/os-release"), "ID=none\n")?;
    let mut command = Command::new("systemd-nspawn");
    command.args(["--quiet", "--register=no", "--keep-unit", "--pipe", "--private-network", "--directory"]);
    command.arg(root.path()).args([PYTHON_INSIDE, "-B", "/app/idle.py"]);
    dump_by_child(command, "systemd-nspawn")
}

/// Starts a target through a program whose child it is, and dumps it.
fn dump_by_child(command: Command, what: &str) -> Result<Verdict> {
    let target = match Target::start(command) {
        Ok(target) => target,
        Err(error) => return skipped(format!("{what} makes no namespaces here: {error:#}")),
    };
    ensure!(target.number("pid")? == 1, "the target is not PID 1");
    let pid = inside(&target)?;
    let folder = tempfile::tempdir()?;
    succeed(folder.path(), &["-p", &pid.to_string(), "-o", "heap.cbor"])?;
    check(&folder.path().join("heap.cbor"), &target)?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// The interpreter that the target's first program has started, as this process sees it.
fn inside(target: &Target) -> Result<u32> {
    let descendants = pyheap_process::namespace::descendants(target.pid());
    let is_python = |pid: &u32| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.windows(8).any(|word| word == b"/idle.py"))
    };
    descendants.into_iter().rfind(is_python).context("no interpreter")
}

/// What runs is not what lies at its path any more.
fn executable_replaced_by_an_upgrade(python: &Python) -> Result<Verdict> {
    if !rustix::process::geteuid().is_root() {
        return skipped("only root can change its root");
    }
    let root = tempfile::tempdir()?;
    make_root(python, root.path())?;
    let mut command = Command::new("chroot");
    command.arg(root.path()).args([PYTHON_INSIDE, "-B", "/app/idle.py"]);
    let target = Target::start(command)?;
    let executable = root.path().join(PYTHON_INSIDE.trim_start_matches('/'));
    let library = root.path().join("usr/lib/libpython3.11.so.1.0");
    for file in [&executable, &library] {
        fs::remove_file(file)?;
        fs::write(file, "another version")?;
    }
    let folder = tempfile::tempdir()?;
    let output = run(folder.path(), &["-p", &target.pid().to_string(), "-o", "heap.cbor"])?;
    ensure!(output.status.success(), "{output:?}");
    check(&folder.path().join("heap.cbor"), &target)?;
    target.finish()?;
    Ok(Verdict::Passed)
}
