//! A command as LLDB wants it: an object of a C++ class with virtual functions.

use super::Raw;
use super::api::api;
use super::objects::{Debugger, Interpreter, Reply, c_string};
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a command does with its arguments.
pub type Run = fn(&'static str, Debugger, &[String], &mut Reply);

/// `SBCommandPluginInterface`'s table of virtual functions, with what the ABI puts before the first of them.
#[repr(C)]
struct Table {
    offset_to_top: isize,
    type_information: *const c_void,
    destroy: unsafe extern "C" fn(*mut Object),
    destroy_and_free: unsafe extern "C" fn(*mut Object),
    run: unsafe extern "C" fn(*mut Object, *const Raw, *const *const c_char, *mut Raw) -> bool,
}

// SAFETY: the table is never written to; its one pointer is null.
unsafe impl Sync for Table {}

static TABLE: Table =
    Table { offset_to_top: 0, type_information: std::ptr::null(), destroy, destroy_and_free, run };

/// An object of a class derived from `SBCommandPluginInterface`.
#[repr(C)]
struct Object {
    /// Address of the first function in the table.
    functions: *const c_void,
    name: &'static str,
    run: Run,
}

/// Adds a command to LLDB, which owns it from then on.
pub fn add_command(interpreter: &mut Interpreter, name: &'static str, help: &str, run: Run) {
    let functions = (&raw const TABLE.destroy).cast();
    let object = Box::into_raw(Box::new(Object { functions, name, run }));
    // SAFETY: the object has the layout that the ABI prescribes for the class; LLDB destroys it through its table. The strings are copied.
    let command = unsafe {
        (api().interpreter_add_command)(
            interpreter.raw(),
            c_string(name).as_ptr(),
            object.cast(),
            c_string(help).as_ptr(),
        )
    };
    // The SBCommand that LLDB returns is one more reference to the command, which lives as long as LLDB anyway; LLDB 14 does not export
    // the function that would drop it.
    let _: Raw = command;
}

unsafe extern "C" fn destroy(_: *mut Object) {}

unsafe extern "C" fn destroy_and_free(object: *mut Object) {
    // SAFETY: LLDB frees the object that `add_command` boxed, once.
    drop(unsafe { Box::from_raw(object) });
}

unsafe extern "C" fn run(
    object: *mut Object,
    debugger: *const Raw,
    arguments: *const *const c_char,
    reply: *mut Raw,
) -> bool {
    // SAFETY: LLDB passes the object that it owns, a debugger, and a result that outlives the call.
    let (object, debugger, mut reply) = unsafe { (&*object, Debugger::copy(debugger), Reply::new(reply)) };
    let mut words = Vec::new();
    let mut at = arguments;
    // SAFETY: the arguments are null, or a list of strings that ends with null.
    while let Some(&word) = unsafe { at.as_ref() }.filter(|word| !word.is_null()) {
        // SAFETY: as above.
        words.push(unsafe { CStr::from_ptr(word) }.to_string_lossy().into_owned());
        // SAFETY: the list has not ended.
        at = unsafe { at.add(1) };
    }
    // A panic must not pass through LLDB's frames.
    if catch_unwind(AssertUnwindSafe(|| (object.run)(object.name, debugger, &words, &mut reply))).is_err() {
        reply.fail(&format!("{}: internal error", object.name));
    }
    true
}
