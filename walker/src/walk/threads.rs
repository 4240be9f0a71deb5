//! Roots: what the interpreter holds, and what threads hold with their frames.

use crate::layout::{ABSENT, Frames, Instruction, fixed};
use crate::memory::{Memory, Unreadable};
use crate::read::dicts::{self, DictTable};
use crate::read::lines;
use crate::read::strings::{self, NAME_LIMIT};
use crate::types::fields;
use crate::types::frames::{FIRST_SHIM, FrameParts, FrameReference, Variable};
use crate::walk::names;
use crate::walk::{Fault, Possible, Walk, is_plausible};
use alloc::string::String;
use alloc::vec::Vec;
use pyheap_format::vocabulary::{NONE, RootKind};
use pyheap_format::writer::Sink;
use pyheap_format::{FieldName, Frame, RootName, Thread};

/// Threads and frames beyond these numbers mean that a list is damaged.
const MOST_THREADS: u32 = 1 << 20;
const MOST_FRAMES: u32 = 1 << 20;

/// `_PyInterpreterFrame.owner`: a generator holds the frame.
const OWNED_BY_GENERATOR: u8 = 1;

/// What `threading` knows of a thread.
struct ThreadObject {
    address: u64,
    ident: u64,
    name: Option<String>,
    daemon: Option<bool>,
    native_id: Option<u64>,
}

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    pub(crate) fn write_interpreter_roots(&mut self) -> Result<(), Fault> {
        let offsets = self.interpreter.layout.offsets.clone();
        let fields = [
            (offsets.interp_modules, names::root(RootName::Modules)),
            (offsets.interp_sysdict, names::root(RootName::SysDict)),
            (offsets.interp_builtins, names::root(RootName::Builtins)),
            (offsets.interp_dict, names::root(RootName::InterpreterDict)),
            (offsets.interp_modules_by_index, names::root(RootName::ModulesByIndex)),
            (offsets.interp_importlib, names::root(RootName::Importlib)),
            (offsets.interp_import_func, names::root(RootName::ImportFunc)),
            (offsets.interp_codec_search_path, names::root(RootName::CodecSearchPath)),
            (offsets.interp_codec_search_cache, names::root(RootName::CodecSearchCache)),
            (offsets.interp_codec_error_registry, names::root(RootName::CodecErrorRegistry)),
        ];
        for state in self.interpreter.states.clone() {
            for (offset, name) in fields {
                let target = self.memory.word(state + u64::from(offset))?;
                self.hold(RootKind::Interpreter, NONE, NONE, name, target)?;
            }
            if offsets.interp_interned != ABSENT {
                self.interned.push(self.memory.word(state + u64::from(offsets.interp_interned))?);
            }
            if self.str_type == 0 {
                self.str_type = self.find_str_type(state)?.unwrap_or(0);
            }
        }
        Ok(())
    }

    /// The type of the keys of `sys.modules`.
    fn find_str_type(&self, state: u64) -> Result<Option<u64>, Unreadable> {
        let modules = self.memory.word(state + u64::from(self.interpreter.layout.offsets.interp_modules))?;
        let table = DictTable::read(self.memory, &self.interpreter, modules)?;
        for position in 0..table.entries {
            if let Some(entry) = table.entry(self.memory, position)? {
                return self.memory.word(entry.key + fixed::OB_TYPE).map(Some);
            }
        }
        Ok(None)
    }

    /// Writes a root, unless the reference is absent or cannot be one.
    fn hold(&mut self, kind: RootKind, thread: u32, frame: u32, name: u32, target: u64) -> Result<(), Fault> {
        if is_plausible(target) {
            let object = self.intern(target)?;
            self.root(kind, thread, frame, name, object)?;
        }
        Ok(())
    }

    /// The module of this name in `sys.modules` of the main interpreter.
    pub(crate) fn loaded_module(&self, name: &[u8]) -> Result<Option<u64>, Unreadable> {
        let Some(main) = self.interpreter.states.first() else { return Ok(None) };
        let modules = self.memory.word(main + u64::from(self.interpreter.layout.offsets.interp_modules))?;
        dicts::find(self.memory, &self.interpreter, modules, name)
    }

    /// A global of a module.
    pub(crate) fn module_attribute(&self, module: u64, name: &[u8]) -> Result<Option<u64>, Unreadable> {
        let dict = self.memory.word(module + u64::from(fields::MODULE_DICT))?;
        dicts::find(self.memory, &self.interpreter, dict, name)
    }

    pub(crate) fn write_threads(&mut self) -> Result<(), Fault> {
        let mut objects = self.thread_objects().unwrap_or_default();
        let mut number = 0;
        for state in self.interpreter.states.clone() {
            let mut thread =
                self.memory.word(state + u64::from(self.interpreter.layout.offsets.interp_threads_head))?;
            while thread != 0 && number < MOST_THREADS {
                self.write_thread(thread, number, &mut objects)?;
                number += 1;
                thread = self.memory.word(thread + u64::from(self.interpreter.layout.offsets.tstate_next))?;
            }
        }
        for object in objects {
            let row = Thread {
                name: object.name,
                ident: object.ident,
                native_id: object.native_id,
                daemon: object.daemon,
                alive: false,
                object: Some(self.intern(object.address)?),
                frames: Vec::new(),
            };
            self.write_thread_row(&row)?;
        }
        Ok(())
    }

    fn write_thread_row(&mut self, row: &Thread) -> Result<(), Fault> {
        self.writer.thread(row).map_err(|_| Fault::Failure(crate::walk::Failure::Sink))
    }

    fn write_thread(
        &mut self,
        thread: u64,
        number: u32,
        objects: &mut Vec<ThreadObject>,
    ) -> Result<(), Fault> {
        let offsets = self.interpreter.layout.offsets.clone();
        let ident = self.memory.word(thread + u64::from(offsets.tstate_thread_id))?;
        let native = match offsets.tstate_native_thread_id {
            ABSENT => None,
            offset => Some(self.memory.word(thread + u64::from(offset))?),
        };
        let known =
            objects.iter().position(|object| object.ident == ident).map(|place| objects.swap_remove(place));
        let mut row = Thread { ident, native_id: native, alive: true, ..Thread::default() };
        if let Some(known) = known {
            row.object = Some(self.intern(known.address)?);
            row.name = known.name;
            row.daemon = known.daemon;
            row.native_id = native.or(known.native_id);
        }
        let fields = [
            (offsets.tstate_dict, names::root(RootName::ThreadDict)),
            (offsets.tstate_context, names::root(RootName::Context)),
            (offsets.tstate_async_exc, names::root(RootName::AsyncException)),
            (offsets.tstate_c_profileobj, names::root(RootName::ProfileFunction)),
            (offsets.tstate_c_traceobj, names::root(RootName::TraceFunction)),
            (offsets.tstate_async_gen_firstiter, names::root(RootName::AsyncGenHook)),
            (offsets.tstate_async_gen_finalizer, names::root(RootName::AsyncGenHook)),
            (offsets.tstate_current_exception, names::root(RootName::CurrentException)),
        ];
        for (offset, name) in fields {
            let target = self.memory.word(thread + u64::from(offset))?;
            self.hold(RootKind::Thread, number, NONE, name, target)?;
        }
        let mut handled = self.memory.word(thread + u64::from(offsets.tstate_exc_info))?;
        for _ in 0..MOST_FRAMES {
            if handled == 0 {
                break;
            }
            let value = self.memory.word(handled + u64::from(offsets.exc_value))?;
            self.hold(RootKind::Thread, number, NONE, names::root(RootName::HandledException), value)?;
            handled = self.memory.word(handled + u64::from(offsets.exc_previous))?;
        }
        match self.write_frames(thread, number, &mut row.frames) {
            Ok(()) | Err(Fault::Unreadable) => {}
            Err(failure) => return Err(failure),
        }
        self.write_thread_row(&row)
    }

    /// Walks the frames of a thread from the innermost on.
    fn write_frames(&mut self, thread: u64, number: u32, rows: &mut Vec<Frame>) -> Result<(), Fault> {
        let offsets = self.interpreter.layout.offsets.clone();
        let mut frame = self.memory.word(thread + u64::from(offsets.tstate_frame))?;
        if offsets.cframe_current_frame != ABSENT && frame != 0 {
            frame = self.memory.word(frame + u64::from(offsets.cframe_current_frame))?;
        }
        let kind = self.interpreter.layout.features.frames;
        match kind {
            // The innermost one holds the others.
            Frames::ObjectFrame => {
                self.hold(RootKind::Thread, number, NONE, names::root(RootName::Frame), frame)?;
            }
            Frames::InterpreterFrame => {}
        }
        for _ in 0..MOST_FRAMES {
            if frame == 0 {
                break;
            }
            let owner = match offsets.frame_owner {
                ABSENT => 0,
                offset => self.memory.byte(frame + u64::from(offset))?,
            };
            if owner < FIRST_SHIM {
                let depth = rows.len() as u32;
                let parts = self.frame_parts(frame)?;
                match kind {
                    Frames::ObjectFrame => {}
                    Frames::InterpreterFrame => self.frame_roots(frame, owner, &parts, number, depth)?,
                }
                self.possible_roots(&parts, number, depth);
                rows.push(self.frame_row(frame, &parts)?);
            }
            frame = self.memory.word(frame + u64::from(offsets.frame_previous))?;
        }
        Ok(())
    }

    /// What a frame that is no object holds.
    fn frame_roots(
        &mut self,
        frame: u64,
        owner: u8,
        parts: &FrameParts,
        thread: u32,
        depth: u32,
    ) -> Result<(), Fault> {
        let offsets = self.interpreter.layout.offsets.clone();
        if owner == OWNED_BY_GENERATOR {
            // The generator owns the references; who owns the generator is on some stack.
            let generator = frame - u64::from(offsets.gen_frame);
            self.possible.push(Possible { address: generator, thread, frame: depth });
            self.intern(generator)?;
            return Ok(());
        }
        for (offset, name) in [
            (offsets.frame_func, names::field(FieldName::FFunc)),
            (offsets.frame_code, names::field(FieldName::FCode)),
        ] {
            let word = self.memory.word(frame + u64::from(offset))?;
            self.frame_root(RootKind::Local, thread, depth, name, self.frame_reference(word))?;
        }
        for (offset, name) in [
            (offsets.frame_locals, names::field(FieldName::FLocals)),
            (offsets.frame_object, names::field(FieldName::Frame)),
        ] {
            let target = self.memory.word(frame + u64::from(offset))?;
            self.hold(RootKind::Local, thread, depth, name, target)?;
        }
        for variable in &parts.variables {
            let name = self.name_of(variable.name)?;
            let Variable { value: target, owned, .. } = *variable;
            self.frame_root(RootKind::Local, thread, depth, name, Some(FrameReference { target, owned }))?;
        }
        for slot in 0..parts.depth.unwrap_or(0) {
            let word = self.memory.word(parts.stack + slot * 8)?;
            self.frame_root(RootKind::Stack, thread, depth, NONE, self.frame_reference(word))?;
        }
        Ok(())
    }

    /// Writes what a frame holds as a root; what it only borrows is one that may be, as another holds it.
    fn frame_root(
        &mut self,
        kind: RootKind,
        thread: u32,
        frame: u32,
        name: u32,
        reference: Option<FrameReference>,
    ) -> Result<(), Fault> {
        match reference {
            Some(FrameReference { target, owned: true }) => self.hold(kind, thread, frame, name, target),
            Some(FrameReference { target, owned: false }) if is_plausible(target) => {
                self.possible.push(Possible { address: target, thread, frame });
                self.intern(target).map(|_| ())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Slots of an evaluation stack whose depth is unknown.
    fn possible_roots(&mut self, parts: &FrameParts, thread: u32, frame: u32) {
        if parts.depth.is_some() {
            return;
        }
        for slot in 0..parts.stack_size {
            if let Ok(word) = self.memory.word(parts.stack + slot * 8)
                && let Some(FrameReference { target: address, .. }) = self.frame_reference(word)
                && is_plausible(address)
            {
                self.possible.push(Possible { address, thread, frame });
            }
        }
    }

    fn frame_row(&mut self, frame: u64, parts: &FrameParts) -> Result<Frame, Fault> {
        let offsets = self.interpreter.layout.offsets.clone();
        let code = parts.code;
        let name = self.interpreter.layout.code_name();
        let function = self.memory.word(code + u64::from(name))?;
        let file = self.memory.word(code + u64::from(offsets.co_filename))?;
        let instruction = frame + u64::from(offsets.frame_instruction);
        let offset = match self.interpreter.layout.features.instruction {
            Instruction::Bytes => i64::from(self.memory.half(instruction)? as i32),
            Instruction::Units => i64::from(self.memory.half(instruction)? as i32) * 2,
            Instruction::Address => {
                self.memory.word(instruction)?.wrapping_sub(code + u64::from(offsets.co_code_adaptive)) as i64
            }
        };
        let mut locals = Vec::new();
        for variable in &parts.variables {
            let value = if variable.cell && self.is_cell(variable.value) {
                self.memory.word(variable.value + fixed::CELL_REF)?
            } else {
                variable.value
            };
            if is_plausible(value)
                && let Some(name) = self.text(variable.name, NAME_LIMIT)
            {
                locals.push((name, self.intern(value)?));
            }
        }
        Ok(Frame {
            file: self.text(file, NAME_LIMIT).unwrap_or_default(),
            line: lines::line_at(self.memory, &self.interpreter, code, offset)?,
            function: self.text(function, NAME_LIMIT).unwrap_or_default(),
            code: self.intern(code)?,
            locals,
        })
    }

    fn is_cell(&self, address: u64) -> bool {
        let mut buffer = [0; 128];
        let class = self
            .memory
            .word(address + fixed::OB_TYPE)
            .and_then(|class| self.name_of_type(class, &mut buffer));
        class.is_ok_and(|name| name == b"cell")
    }

    /// The `threading.Thread`s in `threading._active`.
    fn thread_objects(&mut self) -> Result<Vec<ThreadObject>, Fault> {
        let mut found = Vec::new();
        let Some(module) = self.loaded_module(b"threading")? else { return Ok(found) };
        let Some(active) = self.module_attribute(module, b"_active")? else { return Ok(found) };
        let table = DictTable::read(self.memory, &self.interpreter, active)?;
        for position in 0..table.entries {
            let Some(entry) = table.entry(self.memory, position)? else { continue };
            let Some(ident) = strings::int_value(self.memory, &self.interpreter, entry.key)? else {
                continue;
            };
            let object = entry.value;
            let name = match self.instance_attribute(object, b"_name")? {
                Some(name) => self.text(name, NAME_LIMIT),
                None => None,
            };
            let daemon = match self.instance_attribute(object, b"_daemonic")? {
                Some(flag) => strings::int_value(self.memory, &self.interpreter, flag)?.map(|flag| flag != 0),
                None => None,
            };
            let native_id = match self.instance_attribute(object, b"_native_id")? {
                Some(id) => strings::int_value(self.memory, &self.interpreter, id)?,
                None => None,
            };
            found.push(ThreadObject { address: object, ident, name, daemon, native_id });
        }
        Ok(found)
    }

    /// An attribute that the instance itself stores.
    fn instance_attribute(&mut self, address: u64, name: &[u8]) -> Result<Option<u64>, Fault> {
        let class = self.memory.word(address + fixed::OB_TYPE)?;
        let (_, info) = self.type_at(class)?;
        if let Some(inline) = self.inline_values(address, &info)? {
            for position in 0..inline.count.min(inline.keys.entries) {
                let value = self.memory.word(inline.values + position * 8)?;
                let key = inline.keys.key(self.memory, position)?;
                if value != 0 && dicts::is_ascii_text(self.memory, &self.interpreter, key, name)? {
                    return Ok(Some(value));
                }
            }
        }
        let dict = self.instance_dict(address, &info)?;
        Ok(dicts::find(self.memory, &self.interpreter, dict, name)?)
    }
}
