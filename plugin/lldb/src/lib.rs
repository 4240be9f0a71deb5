//! pyheap as an LLDB plugin: `plugin load libpyheap_lldb.so`.
//!
//! Loading it registers the commands. It only translates: what the commands do is in `pyheap-session`, and how LLDB does what they ask
//! for is in `backend`. All unsafe code is in `ffi`. One build serves LLDB 14 and later.

mod backend;
mod call;
mod ffi;

use backend::Lldb;
use ffi::{Debugger, Raw, Reply};
use pyheap_session::Command;
use std::panic::catch_unwind;

/// `lldb::PluginInitialize(lldb::SBDebugger)`: LLDB calls it once the plugin is loaded. An answer of false unloads the plugin.
// SAFETY of the name: it is the one that LLDB looks up in the plugin's own library; nothing else has it.
#[unsafe(export_name = "_ZN4lldb16PluginInitializeENS_10SBDebuggerE")]
extern "C" fn plugin_initialize(debugger: *const Raw) -> bool {
    let initialize = || {
        if let Err(symbol) = ffi::load() {
            eprintln!("pyheap: this LLDB has no {symbol}; LLDB 14 or later is needed");
            return false;
        }
        // SAFETY: LLDB passes a debugger, by reference as the ABI demands for its class.
        let mut debugger = unsafe { Debugger::copy(debugger) };
        let mut interpreter = debugger.interpreter();
        for command in Command::ALL {
            ffi::add_command(&mut interpreter, command.name(), &command.help(), run);
        }
        true
    };
    catch_unwind(initialize).unwrap_or(false)
}

/// Runs a command.
fn run(name: &'static str, debugger: Debugger, arguments: &[String], reply: &mut Reply) {
    let Some(command) = Command::ALL.into_iter().find(|command| command.name() == name) else {
        return reply.fail("no such command");
    };
    match pyheap_session::run(&mut Lldb::new(debugger), command, arguments) {
        Ok(text) => reply.succeed(&text),
        Err(error) => reply.fail(&format!("{name}: {error}")),
    }
}
