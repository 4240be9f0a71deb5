//! pyheap as a GDB plugin: an extension module for the Python that GDB embeds.
//!
//! Importing it registers the commands. It only translates: what the commands do is in `pyheap-session`, and how GDB does what they ask
//! for is in `backend`. GDB's Python is used through the stable ABI, so one build serves GDBs with any Python from 3.8 on.
#![forbid(unsafe_code)]

mod backend;
mod settings;

use backend::Gdb;
use pyheap_session::{Command, DebuggerError, SessionError};
use pyo3::exceptions::{PyKeyError, PyKeyboardInterrupt};
use pyo3::prelude::*;
use std::ffi::CString;

/// The Python side: classes whose methods GDB calls back.
const GLUE: &str = include_str!("glue.py");

/// Registers the commands with GDB.
#[pymodule]
fn pyheap_gdb(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let glue = PyModule::from_code(py, &CString::new(GLUE)?, c"pyheap-glue.py", c"pyheap_glue")?;
    module.add("glue", &glue)?;
    module.add_function(wrap_pyfunction!(run, module)?)?;
    for command in Command::ALL {
        glue.getattr("Command")?.call1((command.name(), command.help(), module.getattr("run")?))?;
    }
    Ok(())
}

/// Runs the command of this name and returns its result as text.
#[pyfunction]
#[pyo3(pass_module)]
fn run(module: &Bound<'_, PyModule>, name: &str, arguments: Vec<String>) -> PyResult<String> {
    let command = Command::ALL.into_iter().find(|command| command.name() == name);
    let command = command.ok_or_else(|| PyKeyError::new_err(name.to_owned()))?;
    let gdb = module.py().import("gdb")?;
    let mut debugger = Gdb::new(gdb.clone(), module.getattr("glue")?)?;
    pyheap_session::run(&mut debugger, command, &arguments).map_err(|error| match error {
        SessionError::Debugger(DebuggerError::Interrupted) => PyKeyboardInterrupt::new_err(()),
        error => match gdb.getattr("GdbError").and_then(|class| class.call1((format!("{name}: {error}"),))) {
            Ok(error) => PyErr::from_value(error),
            Err(error) => error,
        },
    })
}
