//! SB objects with the operations that are used, as Rust types.

use super::Raw;
use super::api::api;
use std::ffi::{CStr, CString, c_char};
use std::ops::Range;

macro_rules! object {
    ($(#[$text:meta])* $name:ident, $drop:ident) => {
        $(#[$text])*
        pub struct $name(Raw);

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: the object was made by LLDB and is not used any more.
                unsafe { (api().$drop)(&mut self.0) }
            }
        }
    };
}

object!(
    /// `SBDebugger`.
    Debugger,
    debugger_drop
);
object!(
    /// `SBCommandInterpreter`.
    Interpreter,
    interpreter_drop
);
object!(
    /// `SBTarget`.
    Target,
    target_drop
);
object!(
    /// `SBBreakpoint`.
    Breakpoint,
    breakpoint_drop
);
object!(
    /// `SBProcess`.
    Process,
    process_drop
);
object!(
    /// `SBUnixSignals`.
    Signals,
    signals_drop
);
object!(
    /// `SBThread`.
    Thread,
    thread_drop
);
object!(
    /// `SBFrame`.
    Frame,
    frame_drop
);
object!(
    /// `SBValue`.
    Value,
    value_drop
);
object!(
    /// `SBError`.
    Error,
    error_drop
);

// SAFETY: the SB API may be used from any thread; a process is locked inside. This is what lets another thread interrupt it.
unsafe impl Sync for Process {}

// SAFETY: as above; LLDB executes commands of any thread.
unsafe impl Send for Interpreter {}

/// Name and version, such as `lldb version 14.0.6`.
pub fn version() -> String {
    // SAFETY: takes nothing and returns a string that lives as long as the process.
    unsafe { text((api().version)()) }
}

/// Copies a string of LLDB's; empty for null.
///
/// # Safety
/// `pointer` is null or points to a string that ends with NUL.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// A string for LLDB; what follows a NUL, which none of ours has, is left out.
pub fn c_string(text: &str) -> CString {
    let text = text.split('\0').next().unwrap_or_default();
    CString::new(text).unwrap_or_default()
}

/// The result of a command, which LLDB owns.
pub struct Reply(*mut Raw);

impl Reply {
    /// # Safety
    /// `pointer` points to an `SBCommandReturnObject` that outlives the value.
    pub(super) unsafe fn new(pointer: *mut Raw) -> Self {
        Self(pointer)
    }

    /// Ends the command well: this is its result.
    pub fn succeed(&mut self, message: &str) {
        const SUCCESS_WITH_RESULT: i32 = 2;
        // SAFETY: the object is alive, and the string is copied.
        unsafe {
            (api().reply_append)(self.0, c_string(message).as_ptr());
            (api().reply_set_status)(self.0, SUCCESS_WITH_RESULT);
        }
    }

    /// Ends the command with an error.
    pub fn fail(&mut self, message: &str) {
        const FAILED: i32 = 6;
        // SAFETY: the object is alive, and the string is copied.
        unsafe {
            (api().reply_set_error)(self.0, c_string(message).as_ptr());
            (api().reply_set_status)(self.0, FAILED);
        }
    }
}

// SAFETY, for all blocks below: `self` is an object of the class in the function's name, alive until it is dropped; results are new objects
// that the caller owns; strings are copied by LLDB.
impl Debugger {
    /// A copy of the object at `pointer`.
    ///
    /// # Safety
    /// `pointer` points to an `SBDebugger`.
    pub unsafe fn copy(pointer: *const Raw) -> Self {
        let mut raw = Raw::EMPTY;
        // SAFETY: the copy constructor fills the memory that it is given.
        unsafe { (api().debugger_copy)(&mut raw, pointer) };
        Self(raw)
    }

    /// Its command interpreter.
    pub fn interpreter(&mut self) -> Interpreter {
        // SAFETY: see above.
        Interpreter(unsafe { (api().debugger_interpreter)(&mut self.0) })
    }

    /// The target that the user works on; empty if there is none.
    pub fn selected_target(&mut self) -> Target {
        // SAFETY: see above.
        Target(unsafe { (api().debugger_selected_target)(&mut self.0) })
    }

    /// Whether `continue` returns at once.
    pub fn is_async(&mut self) -> bool {
        // SAFETY: see above.
        unsafe { (api().debugger_async)(&mut self.0) }
    }

    /// Makes `continue` return at once, or only when the process has stopped.
    pub fn set_async(&mut self, value: bool) {
        // SAFETY: see above.
        unsafe { (api().debugger_set_async)(&mut self.0, value) }
    }
}

impl Interpreter {
    pub(super) fn raw(&mut self) -> *mut Raw {
        &mut self.0
    }

    /// Executes a command and throws away what it prints.
    pub fn execute(&mut self, command: &str) {
        let mut reply = Raw::EMPTY;
        let command = c_string(command);
        // SAFETY: see above; the result is constructed in memory of ours and destroyed there.
        unsafe {
            (api().reply_new)(&mut reply);
            (api().interpreter_handle_command)(&mut self.0, command.as_ptr(), &mut reply, false);
            (api().reply_drop)(&mut reply);
        }
    }

    /// Executes a command for a process, which need not be the one that the command around it was typed for, and returns what it would
    /// print.
    pub fn execute_for(&mut self, process: &Process, command: &str) -> String {
        let (mut reply, mut context) = (Raw::EMPTY, Raw::EMPTY);
        let command = c_string(command);
        // SAFETY: see above; result and context are constructed in memory of ours and destroyed there, after the text was copied.
        unsafe {
            (api().reply_new)(&mut reply);
            (api().context_of_process)(&mut context, &process.0);
            (api().interpreter_handle_command_in)(
                &mut self.0,
                command.as_ptr(),
                &mut context,
                &mut reply,
                false,
            );
            let output = text((api().reply_output)(&mut reply));
            (api().context_drop)(&mut context);
            (api().reply_drop)(&mut reply);
            output
        }
    }

    /// Whether the user wants the command to end.
    pub fn was_interrupted(&self) -> bool {
        // SAFETY: see above.
        unsafe { (api().interpreter_was_interrupted)(&self.0) }
    }
}

impl Target {
    /// Its process; empty if there is none.
    pub fn process(&mut self) -> Process {
        // SAFETY: see above.
        Process(unsafe { (api().target_process)(&mut self.0) })
    }

    /// Sets a breakpoint.
    pub fn break_at(&mut self, address: u64) -> Breakpoint {
        // SAFETY: see above.
        Breakpoint(unsafe { (api().target_break_at)(&mut self.0, address) })
    }

    /// Deletes a breakpoint.
    pub fn delete_breakpoint(&mut self, breakpoint: &Breakpoint) -> bool {
        // SAFETY: see above.
        unsafe { (api().target_delete_breakpoint)(&mut self.0, (api().breakpoint_id)(&breakpoint.0)) }
    }

    /// The user's breakpoints, and those of LLDB itself: the one by which it learns of libraries stands in the dynamic linker.
    pub fn breakpoints(&mut self) -> Vec<Breakpoint> {
        // LLDB counts its own downwards, the lasting ones first.
        const OWN: Range<i32> = -64..0;
        // SAFETY: see above.
        let count = unsafe { (api().target_breakpoints)(&self.0) };
        // SAFETY: see above.
        let users = (0..count).map(|index| unsafe { (api().target_breakpoint)(&self.0, index) });
        let mut breakpoints: Vec<Breakpoint> = users.map(Breakpoint).collect();
        for id in OWN {
            // SAFETY: see above.
            let breakpoint = Breakpoint(unsafe { (api().target_find_breakpoint)(&mut self.0, id) });
            // SAFETY: see above.
            if unsafe { (api().breakpoint_is_valid)(&breakpoint.0) } {
                breakpoints.push(breakpoint);
            }
        }
        breakpoints
    }
}

impl Breakpoint {
    /// Whether it is in action.
    pub fn is_enabled(&mut self) -> bool {
        // SAFETY: see above.
        unsafe { (api().breakpoint_is_enabled)(&mut self.0) }
    }

    /// Puts it in or out of action.
    pub fn set_enabled(&mut self, value: bool) {
        // SAFETY: see above.
        unsafe { (api().breakpoint_set_enabled)(&mut self.0, value) }
    }
}

impl Process {
    /// Process id; 0 if there is none.
    pub fn id(&mut self) -> u64 {
        // SAFETY: see above.
        unsafe { (api().process_id)(&mut self.0) }
    }

    /// LLDB's `StateType`.
    pub fn state(&mut self) -> i32 {
        // SAFETY: see above.
        unsafe { (api().process_state)(&mut self.0) }
    }

    /// Writes its memory.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), String> {
        let mut error = Error::none();
        // SAFETY: see above; the bytes are only read.
        let written = unsafe {
            (api().process_write)(&mut self.0, address, bytes.as_ptr().cast(), bytes.len(), &mut error.0)
        };
        error.check()?;
        if written == bytes.len() {
            Ok(())
        } else {
            Err(format!("{written} of {} bytes written", bytes.len()))
        }
    }

    /// Lets all threads run.
    pub fn resume(&mut self) -> Error {
        // SAFETY: see above.
        Error(unsafe { (api().process_continue)(&mut self.0) })
    }

    /// Asks the process to stop. May be called while another thread waits for it.
    pub fn interrupt(&self) {
        // SAFETY: see above; the function locks what it changes.
        unsafe { (api().process_interrupt)((&raw const self.0).cast_mut()) }
    }

    /// Lets the process go for good.
    pub fn detach(&mut self) -> Error {
        // SAFETY: see above.
        Error(unsafe { (api().process_detach)(&mut self.0) })
    }

    /// What is done with its signals.
    pub fn signals(&mut self) -> Signals {
        // SAFETY: see above.
        Signals(unsafe { (api().process_signals)(&mut self.0) })
    }

    /// The thread that the user works on.
    pub fn selected_thread(&self) -> Thread {
        // SAFETY: see above.
        Thread(unsafe { (api().process_selected_thread)(&self.0) })
    }

    /// Selects a thread.
    pub fn select_thread(&mut self, thread: &Thread) -> bool {
        // SAFETY: see above.
        unsafe { (api().process_select_thread)(&mut self.0, &thread.0) }
    }

    /// The thread of this id.
    pub fn thread(&mut self, id: u64) -> Option<Thread> {
        // SAFETY: see above.
        let count = unsafe { (api().process_threads)(&mut self.0) };
        // SAFETY: see above.
        (0..count as usize)
            .map(|index| Thread(unsafe { (api().process_thread)(&mut self.0, index) }))
            .find(|thread| thread.id() == id)
    }
}

impl Signals {
    /// Numbers of all signals.
    pub fn numbers(&self) -> Vec<i32> {
        // SAFETY: see above.
        let count = unsafe { (api().signals_count)(&self.0) };
        // SAFETY: see above.
        (0..count).map(|index| unsafe { (api().signals_at)(&self.0, index) }).collect()
    }

    /// Whether a signal stops the process, is told to the user, is kept from the process.
    pub fn handling(&self, signal: i32) -> [bool; 3] {
        // SAFETY: see above.
        unsafe {
            [
                (api().signals_stop)(&self.0, signal),
                (api().signals_notify)(&self.0, signal),
                (api().signals_suppress)(&self.0, signal),
            ]
        }
    }

    /// Changes what [`Self::handling`] tells.
    pub fn set_handling(&mut self, signal: i32, [stop, notify, suppress]: [bool; 3]) {
        // SAFETY: see above.
        unsafe {
            (api().signals_set_stop)(&mut self.0, signal, stop);
            (api().signals_set_notify)(&mut self.0, signal, notify);
            (api().signals_set_suppress)(&mut self.0, signal, suppress);
        }
    }
}

impl Thread {
    /// The operating system's thread id.
    pub fn id(&self) -> u64 {
        // SAFETY: see above.
        unsafe { (api().thread_id)(&self.0) }
    }

    /// The signal that it was about to receive when the process stopped.
    pub fn signal(&mut self) -> Option<i32> {
        const STOP_REASON_SIGNAL: i32 = 5;
        // SAFETY: see above.
        unsafe {
            let is_signal = (api().thread_stop_reason)(&mut self.0) == STOP_REASON_SIGNAL;
            is_signal.then(|| (api().thread_stop_data)(&mut self.0, 0) as i32)
        }
    }

    /// The innermost frame.
    pub fn newest_frame(&mut self) -> Frame {
        // SAFETY: see above.
        Frame(unsafe { (api().thread_frame)(&mut self.0, 0) })
    }

    /// Lets this thread alone run, until it comes to `address` or the process stops for another reason.
    pub fn run_to(&mut self, address: u64) -> Result<(), String> {
        let mut error = Error::none();
        // SAFETY: see above.
        unsafe { (api().thread_run_to)(&mut self.0, address, &mut error.0) };
        error.check()
    }

    /// Index of the frame that the user works on; 0 is the innermost.
    pub fn selected_frame(&mut self) -> u32 {
        // SAFETY: see above.
        let frame = Frame(unsafe { (api().thread_selected_frame)(&mut self.0) });
        // SAFETY: see above.
        unsafe { (api().frame_index)(&frame.0) }
    }

    /// Selects a frame.
    pub fn select_frame(&mut self, index: u32) {
        // SAFETY: see above.
        drop(Frame(unsafe { (api().thread_select_frame)(&mut self.0, index) }));
    }
}

impl Frame {
    /// Where it stands.
    pub fn program_counter(&self) -> u64 {
        // SAFETY: see above.
        unsafe { (api().frame_pc)(&self.0) }
    }

    /// A register's value.
    pub fn register(&mut self, name: &str) -> Option<u64> {
        // SAFETY: see above.
        let mut value = Value(unsafe { (api().frame_register)(&mut self.0, c_string(name).as_ptr()) });
        value.unsigned().ok()
    }

    /// Makes the thread stand elsewhere. LLDB forgets all frames of the thread.
    pub fn set_program_counter(&mut self, address: u64) -> bool {
        // SAFETY: see above.
        unsafe { (api().frame_set_pc)(&mut self.0, address) }
    }

    /// Changes a register.
    pub fn set_register(&mut self, name: &str, value: u64) -> Result<(), String> {
        let mut error = Error::none();
        let text = c_string(&format!("{value:#x}"));
        // SAFETY: see above.
        unsafe {
            let mut register = Value((api().frame_register)(&mut self.0, c_string(name).as_ptr()));
            (api().value_set)(&mut register.0, text.as_ptr(), &mut error.0);
        }
        error.check()
    }
}

impl Value {
    fn unsigned(&mut self) -> Result<u64, String> {
        // SAFETY: see above.
        Error(unsafe { (api().value_error)(&mut self.0) }).check()?;
        // SAFETY: see above.
        Ok(unsafe { (api().value_unsigned)(&mut self.0, 0) })
    }
}

impl Error {
    fn none() -> Self {
        let mut raw = Raw::EMPTY;
        // SAFETY: the constructor fills the memory that it is given.
        unsafe { (api().error_new)(&mut raw) };
        Self(raw)
    }

    /// The text of a failure.
    pub fn check(&self) -> Result<(), String> {
        // SAFETY: see above.
        if !unsafe { (api().error_fail)(&self.0) } {
            return Ok(());
        }
        // SAFETY: see above; the text lives as long as the error.
        Err(unsafe { text((api().error_text)(&self.0)) })
    }
}
