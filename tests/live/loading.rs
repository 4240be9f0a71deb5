//! The scripts that load pyheap into a debugger: `gdbinit`, `lldbinit`.

use anyhow::{Context, Result, ensure};
use pyheap_tests::{
    Debugger, Footprint, Heap, Interpreter, Python, Suite, Target, Verdict, binary, project, skipped,
};
use std::fs;
use std::process::Command;

pub fn register(suite: &mut Suite) {
    suite.usual("missing_plugin_is_told", missing_plugin_is_told);
    suite.usual("loading_twice_is_harmless", loading_twice_is_harmless);
    suite.usual("plugin_beside_the_script_is_found", plugin_beside_the_script_is_found);
    suite.test("missing_symbol_is_told", missing_symbol_is_told);
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
