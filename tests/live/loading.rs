//! The scripts that load pyheap into a debugger: `gdbinit`, `lldbinit`.

use anyhow::{Context, Result, ensure};
use pyheap_tests::{
    Debugger, Footprint, Heap, Interpreter, Python, Suite, Target, Verdict, binary, project, skipped,
};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

pub fn register(suite: &mut Suite) {
    suite.sessions("missing_plugin_is_told", missing_plugin_is_told);
    suite.sessions("loading_twice_is_harmless", loading_twice_is_harmless);
    suite.sessions("plugin_beside_the_script_is_found", plugin_beside_the_script_is_found);
    suite.test("missing_symbol_is_told", missing_symbol_is_told);
    for debugger in [Debugger::Lldb, Debugger::Lldb19] {
        suite.test(&format!("any_home_will_do::{debugger}"), move || any_home_will_do(debugger));
        suite.test(&format!("foreign_homes_are_left_alone::{debugger}"), move || foreign_homes(debugger));
    }
    suite.interpreters("debugger_knows_no_file", debugger_knows_no_file);
}

fn missing_plugin_is_told(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join(debugger.script());
    fs::copy(project().join(debugger.script()), &script)?;
    let mut target = Target::spawn(python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let mut command = debugger.command()?;
    command.env_remove("PYHEAP_PLUGIN_DIR");
    let session = debugger.start_with(command, &script, target.pid(), &["pyheap-top"], folder.path())?;
    session.wait()?.assert_failure(&["there is no libpyheap_", "PYHEAP_PLUGIN_DIR"])?;
    footprint.assert_same(target.pid())?;
    target.ping("after")?;
    target.finish()?;
    Ok(Verdict::Passed)
}

fn plugin_beside_the_script_is_found(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join(debugger.script());
    fs::copy(project().join(debugger.script()), &script)?;
    let plugin = if debugger.is_lldb() { "libpyheap_lldb.so" } else { "libpyheap_gdb.so" };
    fs::copy(binary(plugin)?, folder.path().join(plugin))?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let mut command = debugger.command()?;
    command.env_remove("PYHEAP_PLUGIN_DIR");
    let session = debugger.start_with(command, &script, target.pid(), &["pyheap-top"], folder.path())?;
    session.wait()?.assert_success()?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// GDB need not find the executable nor a library: it attaches at once then.
fn debugger_knows_no_file(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    for script in ["idle.py", "busy.py"] {
        let target = Target::spawn(python, script, &[])?;
        let mut command = debugger.command()?;
        command.args(["-iex", "set sysroot /var/empty"]);
        let commands = ["info sharedlibrary", "pyheap-dump -o heap.cbor --force --detach"];
        let script = project().join(debugger.script());
        let transcript =
            debugger.start_with(command, &script, target.pid(), &commands, folder.path())?.wait()?;
        transcript.assert_success()?;
        ensure!(!transcript.output.contains(" Yes "), "symbols were read: {}", transcript.output);
        Heap::open(&folder.path().join("heap.cbor"))?;
        target.finish()?;
    }
    Ok(Verdict::Passed)
}

fn loading_twice_is_harmless(debugger: Debugger, python: &Python) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let target = Target::spawn(python, "idle.py", &[])?;
    let footprint = Footprint::of(target.pid())?;
    let script = project().join(debugger.script());
    let again = if debugger.is_lldb() { "command source -s true" } else { "source" };
    let again = format!("{again} {}", script.display());
    let transcript = debugger.run(target.pid(), &[&again, "pyheap-top -n 1", &again], folder.path())?;
    transcript.assert_success()?;
    transcript.assert_says(&["objects"])?;
    footprint.assert_same(target.pid())?;
    target.finish()?;
    Ok(Verdict::Passed)
}

/// What LLDB says when the script at this place has loaded pyheap, or not.
fn load(debugger: Debugger, script: &Path, home: Option<&Path>) -> Result<String> {
    let mut command = debugger.command()?;
    match home {
        Some(home) => command.env("HOME", home),
        None => command.env_remove("HOME"),
    };
    let source = format!("command source -s true \"{}\"", script.display());
    let output = command.args(["--batch", "-O", &source, "-o", "pyheap-top --help"]).output()?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn any_home_will_do(debugger: Debugger) -> Result<Verdict> {
    if let Err(error) = debugger.find() {
        return skipped(format!("{error:#}"));
    }
    let folder = tempfile::Builder::new().prefix("a home ").tempdir()?;
    let script = project().join("lldbinit");
    for home in [Some(folder.path()), None] {
        let text = load(debugger, &script, home)?;
        ensure!(text.contains("--sort"), "HOME {home:?}: {text}");
    }
    let own: Vec<_> = fs::read_dir(folder.path().join(".cache/pyheap"))?.collect::<Result<_, _>>()?;
    ensure!(own.len() == 2, "more than the command and its lock: {own:?}");
    // A pattern of the script's would match this one, were it the shell's to expand.
    if let Ok(first_level) = tempfile::tempdir_in("/") {
        let script = first_level.path().join("lldbinit");
        fs::copy(project().join("lldbinit"), &script)?;
        let text = load(debugger, &script, Some(folder.path()))?;
        ensure!(text.contains("--sort"), "{}: {text}", script.display());
    }
    // Nothing can be made there.
    let text = load(debugger, &script, Some(Path::new("/proc/self")))?;
    ensure!(
        text.contains("'/proc/self/.cache' cannot be made") && text.contains("plugin load \"/"),
        "{text}"
    );
    Ok(Verdict::Passed)
}

/// Whoever owns the home of somebody else's LLDB can neither have files of theirs overwritten, nor find anything there.
fn foreign_homes(debugger: Debugger) -> Result<Verdict> {
    if let Err(error) = debugger.find() {
        return skipped(format!("{error:#}"));
    }
    let folder = tempfile::tempdir()?;
    let script = project().join("lldbinit");
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious")?;
    let home = folder.path().join("home");
    let cache = home.join(".cache/pyheap");
    fs::create_dir_all(&cache)?;
    symlink(&victim, cache.join("lldb-load.lock"))?;
    fs::set_permissions(&home, fs::Permissions::from_mode(0o777))?;
    let text = load(debugger, &script, Some(&home))?;
    ensure!(text.contains("others may write to") && text.contains("plugin load \"/"), "{text}");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755))?;
    let foreign = chown(&home, Some(65534), None).is_ok();
    if foreign {
        let text = load(debugger, &script, Some(&home))?;
        ensure!(text.contains("belongs to another user"), "{text}");
    }
    ensure!(fs::read(&victim)? == b"precious", "a file was overwritten through a link");
    ensure!(fs::read_dir(&cache)?.count() == 1, "something was written");
    if foreign { Ok(Verdict::Passed) } else { skipped("only root can give a folder to another user") }
}

/// A program that loads the plugin for LLDB but is no LLDB has none of its symbols.
fn missing_symbol_is_told() -> Result<Verdict> {
    const LOAD: &str = "import ctypes, sys\n\
        initialize = ctypes.CDLL(sys.argv[1])['_ZN4lldb16PluginInitializeENS_10SBDebuggerE']\n\
        initialize.restype = ctypes.c_bool\n\
        sys.exit(3 if initialize(None) is False else 4)";
    let python = match Interpreter::usual().find() {
        Ok(python) => python,
        Err(error) => return skipped(format!("{error:#}")),
    };
    let output = Command::new(&python.path).args(["-c", LOAD]).arg(binary("libpyheap_lldb.so")?).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(3), "{}: {errors}", output.status);
    let sentence = errors.lines().next().context("nothing is said")?;
    ensure!(sentence.contains("_ZN4lldb") && errors.lines().count() == 1, "{errors}");
    Ok(Verdict::Passed)
}
