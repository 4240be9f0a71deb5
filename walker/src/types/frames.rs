//! Frames: those of running threads, of generators, and frame objects.

use super::fields::Field;
use crate::layout::{ABSENT, Code, FrameReferences, Frames, StackDepth, fixed};
use crate::memory::{Memory, Unreadable};
use crate::walk::TypeInfo;
use crate::walk::{Fault, Walk};
use crate::walk::{Measure, Reach};
use alloc::vec::Vec;
use pyheap_format::FieldName;
use pyheap_format::vocabulary::EdgeKind;
use pyheap_format::writer::Sink;

/// `_PyInterpreterFrame.owner`: the frame object holds the frame.
const OWNED_BY_FRAME_OBJECT: u8 = 2;
/// `_PyInterpreterFrame.owner`: the first value that is no Python frame.
pub(crate) const FIRST_SHIM: u8 = 3;
/// Variables of a frame beyond this number mean that it is damaged.
const MOST_VARIABLES: u64 = 1 << 16;

/// A variable of a frame: address of the name and of the value, and whether the value is a cell that holds the variable's own value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    pub name: u64,
    pub value: u64,
    pub cell: bool,
    pub owned: bool,
}

/// A reference in a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameReference {
    /// Address of the object.
    pub target: u64,
    /// Whether its reference count knows.
    pub owned: bool,
}

/// The parts of a frame that hold references.
#[derive(Debug)]
pub(crate) struct FrameParts {
    pub code: u64,
    pub variables: Vec<Variable>,
    /// Address of the first slot of the evaluation stack.
    pub stack: u64,
    /// Slots in use, where the depth is recorded.
    pub depth: Option<u64>,
    /// Slots there are.
    pub stack_size: u64,
}

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// What a word of a frame refers to: nothing where it is empty or an integer.
    pub(crate) fn frame_reference(&self, word: u64) -> Option<FrameReference> {
        let (target, owned) = match (self.interpreter.layout.features.frame_references, word & 3) {
            (FrameReferences::Plain, _) | (FrameReferences::Tagged, 0) => (word, true),
            // `Py_TAG_REFCNT`: borrowed, or of an immortal object. Without an address it is `PyStackRef_NULL`.
            (FrameReferences::Tagged, 1) => (word & !3, false),
            // `Py_INT_TAG`, and what is no reference yet.
            (FrameReferences::Tagged, _) => (0, false),
        };
        (target != 0).then_some(FrameReference { target, owned })
    }

    /// The code object of the frame at `frame`.
    fn frame_code(&self, frame: u64) -> Result<u64, Unreadable> {
        let word = self.memory.word(frame + u64::from(self.interpreter.layout.offsets.frame_code))?;
        Ok(self.frame_reference(word).map_or(0, |code| code.target))
    }

    /// Reads the frame at `frame`: a `_PyInterpreterFrame` or a frame object.
    pub(crate) fn frame_parts(&self, frame: u64) -> Result<FrameParts, Unreadable> {
        let memory = self.memory;
        let offsets = &self.interpreter.layout.offsets;
        let code = self.frame_code(frame)?;
        let mut variables = Vec::new();
        let first = frame + u64::from(offsets.frame_localsplus);
        let damaged = Unreadable { address: code, length: 128 };
        let count;
        match self.interpreter.layout.features.code {
            Code::Inline => {
                count = u64::from(memory.half(code + u64::from(offsets.co_nlocalsplus))?);
                let names = memory.word(code + u64::from(offsets.co_localsplusnames))?;
                let kinds = memory.word(code + u64::from(offsets.co_localspluskinds))?;
                if count > MOST_VARIABLES
                    || memory.word(names + fixed::OB_SIZE)? != count
                    || memory.word(kinds + fixed::OB_SIZE)? != count
                {
                    return Err(damaged);
                }
                for position in 0..count {
                    let word = memory.word(first + position * 8)?;
                    if let Some(FrameReference { target, owned }) = self.frame_reference(word) {
                        // CO_FAST_CELL, CO_FAST_FREE
                        let kind = memory.byte(kinds + u64::from(offsets.bytes_data) + position)?;
                        let name = memory.word(names + u64::from(offsets.tuple_items) + position * 8)?;
                        variables.push(Variable { name, value: target, cell: kind & 0xC0 != 0, owned });
                    }
                }
            }
            Code::Separate => {
                let mut place = first;
                for (offset, cell) in
                    [(offsets.co_varnames, false), (offsets.co_cellvars, true), (offsets.co_freevars, true)]
                {
                    let names = memory.word(code + u64::from(offset))?;
                    let length = memory.word(names + fixed::OB_SIZE)?;
                    if length > MOST_VARIABLES {
                        return Err(damaged);
                    }
                    for position in 0..length {
                        let value = memory.word(place)?;
                        if value != 0 {
                            let name = memory.word(names + u64::from(offsets.tuple_items) + position * 8)?;
                            variables.push(Variable { name, value, cell, owned: true });
                        }
                        place += 8;
                    }
                }
                count = (place - first) / 8;
            }
        }
        let stack_size = u64::from(memory.half(code + u64::from(offsets.co_stacksize))?).min(MOST_VARIABLES);
        let stack = first + count * 8;
        let stacktop = frame + u64::from(offsets.frame_stacktop);
        let depth = match self.interpreter.layout.features.stack_depth {
            StackDepth::Pointer => match memory.word(stacktop)? {
                0 => None,
                top => top.checked_sub(stack).map(|bytes| bytes / 8),
            },
            StackDepth::Count => u64::try_from(memory.half(stacktop)? as i32).ok(),
            StackDepth::CountWithVariables => {
                u64::try_from(memory.half(stacktop)? as i32).ok().and_then(|top| top.checked_sub(count))
            }
        };
        Ok(FrameParts {
            code,
            variables,
            stack,
            depth: depth.filter(|depth| *depth <= stack_size),
            stack_size,
        })
    }

    pub(crate) fn frame_object_referents(&mut self, address: u64, reach: Reach) -> Result<(), Fault> {
        let offsets = &self.interpreter.layout.offsets;
        let field = |name, offset, owned| Field { name, offset, owned };
        match self.interpreter.layout.features.frames {
            Frames::ObjectFrame => {
                let fields = [
                    field(FieldName::FBack, offsets.frame_object_back, true),
                    field(FieldName::FCode, offsets.frame_code, true),
                    field(FieldName::FBuiltins, offsets.frame_builtins, true),
                    field(FieldName::FGlobals, offsets.frame_globals, true),
                    field(FieldName::FLocals, offsets.frame_locals, true),
                    field(FieldName::FTrace, offsets.frame_object_trace, true),
                ];
                self.fields(address, &fields, reach)?;
                self.frame_values(address, reach)
            }
            Frames::InterpreterFrame => {
                let fields = [
                    field(FieldName::FBack, offsets.frame_object_back, true),
                    field(FieldName::FTrace, offsets.frame_object_trace, true),
                ];
                let owner = offsets.frame_owner;
                let frame = self.memory.word(address + u64::from(offsets.frame_object_frame))?;
                self.fields(address, &fields, reach)?;
                if frame != 0 && self.memory.byte(frame + u64::from(owner))? == OWNED_BY_FRAME_OBJECT {
                    self.held_frame(frame, reach)?;
                }
                Ok(())
            }
        }
    }

    pub(crate) fn generator_referents(
        &mut self,
        address: u64,
        info: &TypeInfo,
        reach: Reach,
    ) -> Result<(), Fault> {
        let offsets = self.interpreter.layout.offsets.clone();
        // Plain generators have no such field (up to 3.10) or never set it.
        let mut buffer = [0; 128];
        let plain = self.name_of_type(info.address, &mut buffer)? == b"generator";
        let origin = if plain { ABSENT } else { offsets.cr_origin };
        let fields = [
            Field { name: FieldName::Name, offset: offsets.gen_name, owned: true },
            Field { name: FieldName::Qualname, offset: offsets.gen_qualname, owned: true },
            Field { name: FieldName::ExcValue, offset: offsets.gen_exc_value, owned: true },
            Field { name: FieldName::GiCode, offset: offsets.gen_code, owned: true },
            Field { name: FieldName::CrOrigin, offset: origin, owned: true },
        ];
        self.fields(address, &fields, reach)?;
        match self.interpreter.layout.features.frames {
            Frames::ObjectFrame => {
                let frame = Field { name: FieldName::GiFrame, offset: offsets.gen_frame, owned: true };
                self.fields(address, &[frame], reach)
            }
            Frames::InterpreterFrame => {
                let state = self.memory.byte(address + u64::from(offsets.gen_frame_state))? as i8;
                if i64::from(state) < i64::from(offsets.gen_frame_cleared) {
                    self.held_frame(address + u64::from(offsets.gen_frame), reach)?;
                }
                Ok(())
            }
        }
    }

    /// The references of a `_PyInterpreterFrame` that an object holds.
    fn held_frame(&mut self, frame: u64, reach: Reach) -> Result<(), Fault> {
        let offsets = &self.interpreter.layout.offsets;
        let references = [(FieldName::FCode, offsets.frame_code), (FieldName::FFunc, offsets.frame_func)];
        let fields = [
            Field { name: FieldName::FLocals, offset: offsets.frame_locals, owned: true },
            Field { name: FieldName::Frame, offset: offsets.frame_object, owned: true },
        ];
        for (name, offset) in references {
            let word = self.memory.word(frame + u64::from(offset))?;
            if let Some(FrameReference { target, owned }) = self.frame_reference(word) {
                self.refer_field(reach, target, owned, name)?;
            }
        }
        self.fields(frame, &fields, reach)?;
        self.frame_values(frame, reach)
    }

    /// Local variables and, where its depth is recorded, the evaluation stack.
    fn frame_values(&mut self, frame: u64, reach: Reach) -> Result<(), Fault> {
        let parts = self.frame_parts(frame)?;
        for variable in &parts.variables {
            let name = self.name_of(variable.name)?;
            self.refer(reach, variable.value, EdgeKind::Local, variable.owned, name)?;
        }
        let mut missing = 0;
        for slot in 0..parts.depth.unwrap_or(0) {
            match self.frame_reference(self.memory.word(parts.stack + slot * 8)?) {
                None => missing += 1,
                Some(FrameReference { target, owned }) => {
                    self.refer(reach, target, EdgeKind::Stack, owned, missing)?;
                }
            }
        }
        Ok(())
    }

    /// Header and, where it is part of the object, the frame.
    pub(crate) fn measure_generator(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let offsets = &self.interpreter.layout.offsets;
        Ok(match self.interpreter.layout.features.frames {
            Frames::ObjectFrame => Measure::plain(info.basicsize),
            Frames::InterpreterFrame => {
                let frame = address + u64::from(offsets.gen_frame);
                let slots = self.frame_slots(self.frame_code(frame)?)?;
                Measure::plain(u64::from(offsets.gen_frame + offsets.frame_localsplus) + 8 * slots)
            }
        })
    }

    /// Header and frame.
    pub(crate) fn measure_frame(&self, address: u64, info: &TypeInfo) -> Result<Measure, Unreadable> {
        let memory = self.memory;
        let offsets = &self.interpreter.layout.offsets;
        Ok(match self.interpreter.layout.features.frames {
            Frames::InterpreterFrame => {
                let frame = memory.word(address + u64::from(offsets.frame_object_frame))?;
                let slots = self.frame_slots(self.frame_code(frame)?)?;
                Measure::plain(u64::from(offsets.frame_object_data + offsets.frame_localsplus) + 8 * slots)
            }
            Frames::ObjectFrame => {
                let code = memory.word(address + u64::from(offsets.frame_code))?;
                let mut slots = u64::from(memory.half(code + u64::from(offsets.co_stacksize))?);
                for names in [offsets.co_varnames, offsets.co_cellvars, offsets.co_freevars] {
                    let length = memory.word(memory.word(code + u64::from(names))? + fixed::OB_SIZE)?;
                    slots = slots.saturating_add(length);
                }
                // The structure itself has room for one.
                let shallow = info.basicsize.saturating_add(slots.saturating_sub(1).saturating_mul(8));
                let block = info
                    .basicsize
                    .saturating_add(info.itemsize.saturating_mul(memory.word(address + fixed::OB_SIZE)?));
                Measure { block, ..Measure::plain(self.bounded(address, shallow)?) }
            }
        })
    }

    /// Local variables and evaluation stack of a frame of `code`.
    fn frame_slots(&self, code: u64) -> Result<u64, Unreadable> {
        let offsets = &self.interpreter.layout.offsets;
        let variables = self.memory.half(code + u64::from(offsets.co_nlocalsplus))?;
        let stack = self.memory.half(code + u64::from(offsets.co_stacksize))?;
        Ok(u64::from(variables) + u64::from(stack))
    }
}
