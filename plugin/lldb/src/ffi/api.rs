//! The functions of LLDB that are used, found by name at run time.

use super::Raw;
use libloading::os::unix::{Library, RTLD_LAZY, RTLD_LOCAL};
use std::ffi::{c_char, c_int, c_void};
use std::sync::OnceLock;

/// Do not load a library, only find one that is loaded; the same on all architectures of Linux.
const RTLD_NOLOAD: c_int = 4;

macro_rules! functions {
    ($($name:ident = $symbol:literal: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// Addresses of the functions.
        pub struct Api {
            $(pub $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Api {
            fn find(library: &Library) -> Result<Self, &'static str> {
                Ok(Self {
                    // SAFETY: the mangled name states the argument types, and those given here are their C equivalents; the library is
                    // never unloaded while the plugin is.
                    $($name: unsafe {
                        *library.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>($symbol).map_err(|_| {
                            std::str::from_utf8($symbol).unwrap_or_default()
                        })?
                    },)*
                })
            }
        }
    };
}

functions! {
    version = b"_ZN4lldb10SBDebugger16GetVersionStringEv": fn() -> *const c_char;
    debugger_copy = b"_ZN4lldb10SBDebuggerC1ERKS0_": fn(*mut Raw, *const Raw);
    debugger_drop = b"_ZN4lldb10SBDebuggerD1Ev": fn(*mut Raw);
    debugger_interpreter = b"_ZN4lldb10SBDebugger21GetCommandInterpreterEv": fn(*mut Raw) -> Raw;
    debugger_selected_target = b"_ZN4lldb10SBDebugger17GetSelectedTargetEv": fn(*mut Raw) -> Raw;
    debugger_async = b"_ZN4lldb10SBDebugger8GetAsyncEv": fn(*mut Raw) -> bool;
    debugger_set_async = b"_ZN4lldb10SBDebugger8SetAsyncEb": fn(*mut Raw, bool);

    interpreter_drop = b"_ZN4lldb20SBCommandInterpreterD1Ev": fn(*mut Raw);
    interpreter_add_command = b"_ZN4lldb20SBCommandInterpreter10AddCommandEPKcPNS_24SBCommandPluginInterfaceES2_":
        fn(*mut Raw, *const c_char, *mut Raw, *const c_char) -> Raw;
    interpreter_handle_command = b"_ZN4lldb20SBCommandInterpreter13HandleCommandEPKcRNS_21SBCommandReturnObjectEb":
        fn(*mut Raw, *const c_char, *mut Raw, bool) -> c_int;
    interpreter_handle_command_in =
        b"_ZN4lldb20SBCommandInterpreter13HandleCommandEPKcRNS_18SBExecutionContextERNS_21SBCommandReturnObjectEb":
        fn(*mut Raw, *const c_char, *mut Raw, *mut Raw, bool) -> c_int;
    interpreter_was_interrupted = b"_ZNK4lldb20SBCommandInterpreter14WasInterruptedEv": fn(*const Raw) -> bool;

    context_of_process = b"_ZN4lldb18SBExecutionContextC1ERKNS_9SBProcessE": fn(*mut Raw, *const Raw);
    context_drop = b"_ZN4lldb18SBExecutionContextD1Ev": fn(*mut Raw);

    reply_new = b"_ZN4lldb21SBCommandReturnObjectC1Ev": fn(*mut Raw);
    reply_drop = b"_ZN4lldb21SBCommandReturnObjectD1Ev": fn(*mut Raw);
    reply_output = b"_ZN4lldb21SBCommandReturnObject9GetOutputEv": fn(*mut Raw) -> *const c_char;
    reply_append = b"_ZN4lldb21SBCommandReturnObject13AppendMessageEPKc": fn(*mut Raw, *const c_char);
    reply_set_error = b"_ZN4lldb21SBCommandReturnObject8SetErrorEPKc": fn(*mut Raw, *const c_char);
    reply_set_status = b"_ZN4lldb21SBCommandReturnObject9SetStatusENS_12ReturnStatusE": fn(*mut Raw, c_int);

    target_drop = b"_ZN4lldb8SBTargetD1Ev": fn(*mut Raw);
    target_process = b"_ZN4lldb8SBTarget10GetProcessEv": fn(*mut Raw) -> Raw;
    target_break_at = b"_ZN4lldb8SBTarget25BreakpointCreateByAddressEm": fn(*mut Raw, u64) -> Raw;
    target_delete_breakpoint = b"_ZN4lldb8SBTarget16BreakpointDeleteEi": fn(*mut Raw, i32) -> bool;
    target_breakpoints = b"_ZNK4lldb8SBTarget17GetNumBreakpointsEv": fn(*const Raw) -> u32;
    target_breakpoint = b"_ZNK4lldb8SBTarget20GetBreakpointAtIndexEj": fn(*const Raw, u32) -> Raw;
    target_find_breakpoint = b"_ZN4lldb8SBTarget18FindBreakpointByIDEi": fn(*mut Raw, i32) -> Raw;

    breakpoint_is_valid = b"_ZNK4lldb12SBBreakpoint7IsValidEv": fn(*const Raw) -> bool;
    breakpoint_drop = b"_ZN4lldb12SBBreakpointD1Ev": fn(*mut Raw);
    breakpoint_id = b"_ZNK4lldb12SBBreakpoint5GetIDEv": fn(*const Raw) -> i32;
    breakpoint_is_enabled = b"_ZN4lldb12SBBreakpoint9IsEnabledEv": fn(*mut Raw) -> bool;
    breakpoint_set_enabled = b"_ZN4lldb12SBBreakpoint10SetEnabledEb": fn(*mut Raw, bool);

    process_drop = b"_ZN4lldb9SBProcessD1Ev": fn(*mut Raw);
    process_id = b"_ZN4lldb9SBProcess12GetProcessIDEv": fn(*mut Raw) -> u64;
    process_state = b"_ZN4lldb9SBProcess8GetStateEv": fn(*mut Raw) -> c_int;
    process_continue = b"_ZN4lldb9SBProcess8ContinueEv": fn(*mut Raw) -> Raw;
    process_interrupt = b"_ZN4lldb9SBProcess18SendAsyncInterruptEv": fn(*mut Raw);
    process_detach = b"_ZN4lldb9SBProcess6DetachEv": fn(*mut Raw) -> Raw;
    process_write = b"_ZN4lldb9SBProcess11WriteMemoryEmPKvmRNS_7SBErrorE":
        fn(*mut Raw, u64, *const c_void, usize, *mut Raw) -> usize;
    process_signals = b"_ZN4lldb9SBProcess14GetUnixSignalsEv": fn(*mut Raw) -> Raw;
    process_selected_thread = b"_ZNK4lldb9SBProcess17GetSelectedThreadEv": fn(*const Raw) -> Raw;
    process_select_thread = b"_ZN4lldb9SBProcess17SetSelectedThreadERKNS_8SBThreadE":
        fn(*mut Raw, *const Raw) -> bool;
    process_threads = b"_ZN4lldb9SBProcess13GetNumThreadsEv": fn(*mut Raw) -> u32;
    process_thread = b"_ZN4lldb9SBProcess16GetThreadAtIndexEm": fn(*mut Raw, usize) -> Raw;

    signals_drop = b"_ZN4lldb13SBUnixSignalsD1Ev": fn(*mut Raw);
    signals_count = b"_ZNK4lldb13SBUnixSignals13GetNumSignalsEv": fn(*const Raw) -> i32;
    signals_at = b"_ZNK4lldb13SBUnixSignals16GetSignalAtIndexEi": fn(*const Raw, i32) -> i32;
    signals_stop = b"_ZNK4lldb13SBUnixSignals13GetShouldStopEi": fn(*const Raw, i32) -> bool;
    signals_notify = b"_ZNK4lldb13SBUnixSignals15GetShouldNotifyEi": fn(*const Raw, i32) -> bool;
    signals_suppress = b"_ZNK4lldb13SBUnixSignals17GetShouldSuppressEi": fn(*const Raw, i32) -> bool;
    signals_set_stop = b"_ZN4lldb13SBUnixSignals13SetShouldStopEib": fn(*mut Raw, i32, bool) -> bool;
    signals_set_notify = b"_ZN4lldb13SBUnixSignals15SetShouldNotifyEib": fn(*mut Raw, i32, bool) -> bool;
    signals_set_suppress = b"_ZN4lldb13SBUnixSignals17SetShouldSuppressEib": fn(*mut Raw, i32, bool) -> bool;

    thread_drop = b"_ZN4lldb8SBThreadD1Ev": fn(*mut Raw);
    thread_id = b"_ZNK4lldb8SBThread11GetThreadIDEv": fn(*const Raw) -> u64;
    thread_stop_reason = b"_ZN4lldb8SBThread13GetStopReasonEv": fn(*mut Raw) -> c_int;
    thread_stop_data = b"_ZN4lldb8SBThread24GetStopReasonDataAtIndexEj": fn(*mut Raw, u32) -> u64;
    thread_frame = b"_ZN4lldb8SBThread15GetFrameAtIndexEj": fn(*mut Raw, u32) -> Raw;
    thread_selected_frame = b"_ZN4lldb8SBThread16GetSelectedFrameEv": fn(*mut Raw) -> Raw;
    thread_select_frame = b"_ZN4lldb8SBThread16SetSelectedFrameEj": fn(*mut Raw, u32) -> Raw;

    thread_run_to = b"_ZN4lldb8SBThread12RunToAddressEmRNS_7SBErrorE": fn(*mut Raw, u64, *mut Raw);

    frame_drop = b"_ZN4lldb7SBFrameD1Ev": fn(*mut Raw);
    frame_index = b"_ZNK4lldb7SBFrame10GetFrameIDEv": fn(*const Raw) -> u32;
    frame_pc = b"_ZNK4lldb7SBFrame5GetPCEv": fn(*const Raw) -> u64;
    frame_set_pc = b"_ZN4lldb7SBFrame5SetPCEm": fn(*mut Raw, u64) -> bool;
    frame_register = b"_ZN4lldb7SBFrame12FindRegisterEPKc": fn(*mut Raw, *const c_char) -> Raw;

    value_drop = b"_ZN4lldb7SBValueD1Ev": fn(*mut Raw);
    value_error = b"_ZN4lldb7SBValue8GetErrorEv": fn(*mut Raw) -> Raw;
    value_set = b"_ZN4lldb7SBValue19SetValueFromCStringEPKcRNS_7SBErrorE":
        fn(*mut Raw, *const c_char, *mut Raw) -> bool;
    value_unsigned = b"_ZN4lldb7SBValue18GetValueAsUnsignedEm": fn(*mut Raw, u64) -> u64;

    error_new = b"_ZN4lldb7SBErrorC1Ev": fn(*mut Raw);
    error_drop = b"_ZN4lldb7SBErrorD1Ev": fn(*mut Raw);
    error_fail = b"_ZNK4lldb7SBError4FailEv": fn(*const Raw) -> bool;
    error_text = b"_ZNK4lldb7SBError10GetCStringEv": fn(*const Raw) -> *const c_char;
}

static API: OnceLock<Api> = OnceLock::new();

/// Finds all functions. Fails with the name of the first one that this LLDB does not have.
pub fn load() -> Result<(), &'static str> {
    if API.get().is_some() {
        return Ok(());
    }
    let found = Api::find(&Library::this()).or_else(|missing| {
        // Where Python imported LLDB as a module, its symbols are not visible to the whole process.
        loaded_library()
            .map_or(Err(missing), |library| Api::find(&library).inspect(|_| std::mem::forget(library)))
    })?;
    let _ = API.set(found);
    Ok(())
}

/// The functions; [`load`] has succeeded before any object can exist.
pub fn api() -> &'static Api {
    API.get().expect("the plugin is used only after its symbols were found")
}

/// LLDB's library, if it is loaded under one of its names.
fn loaded_library() -> Option<Library> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.starts_with("liblldb") || name.starts_with("_lldb")
    })?;
    // SAFETY: the library is loaded already, so no initialiser runs.
    unsafe { Library::open(Some(path), RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD) }.ok()
}
