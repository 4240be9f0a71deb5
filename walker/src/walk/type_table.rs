//! What the walker knows of a type: the kind of its objects' layout, its members, whether `tp_traverse` is needed.

use crate::layout::{ABSENT, fixed, flag};
use crate::memory::{Memory, Unreadable};
use crate::read::dicts;
use crate::read::strings;
use crate::types::fields::{self, Field};
use crate::types::kinds::{Kind, is_closed, kind_of, sizeof_is_known};
use crate::walk::{Fault, Walk};
use alloc::string::String;
use pyheap_format::vocabulary::NONE;
use pyheap_format::writer::{Sink, TypeRow};

/// A type that objects were seen of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeInfo {
    pub address: u64,
    pub kind: Kind,
    /// The object's own layout is fully known: `tp_traverse` is not called.
    pub closed: bool,
    /// `tp_flags`.
    pub flags: u64,
    pub basicsize: u64,
    pub itemsize: u64,
    pub dictoffset: i64,
    pub traverse: u64,
    /// For struct sequences: items that an object has, of which its length counts only the visible ones; otherwise 0.
    pub sequence_fields: u64,
    /// Range of the walk's `members`.
    pub members: (u32, u32),
    pub fields: &'static [Field],
    /// `__sizeof__` is one whose result the walker can compute.
    pub sizeof_known: bool,
    own_sizeof: bool,
    python_class: bool,
}

impl TypeInfo {
    pub(crate) fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    /// Made by a class statement.
    pub(crate) fn is_python_class(&self) -> bool {
        self.python_class
    }
}

/// A reference of known name in the objects of a type: a slot, or a member of a C type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub name: u32,
    pub offset: u32,
}

/// Bases beyond this depth are not followed: hostile or damaged.
const MOST_BASES: u32 = 128;

/// Number of the type of objects that cannot be read.
pub(crate) const UNREADABLE_TYPE: u32 = 0;

impl<M: Memory, S: Sink> Walk<'_, M, S> {
    /// Writes the type row 0, which objects that cannot be read have as their type. Address 0 is no type for all that.
    pub(crate) fn register_unreadable_type(&mut self) -> Result<(), Fault> {
        self.type_index.intern(0)?;
        self.type_numbers.push(None);
        self.writer.type_row(&TypeRow {
            object: NONE,
            address: 0,
            module: "builtins",
            qualname: "<unreadable>",
            basicsize: 0,
            itemsize: 0,
            flags: 0,
            base: None,
        });
        self.types.push(TypeInfo {
            address: 0,
            kind: Kind::Object,
            closed: true,
            flags: 0,
            basicsize: 0,
            itemsize: 0,
            dictoffset: 0,
            traverse: 0,
            sequence_fields: 0,
            members: (0, 0),
            fields: &[],
            sizeof_known: false,
            own_sizeof: false,
            python_class: false,
        });
        Ok(())
    }

    /// The number and description of the type at `address`; an error if there is no type.
    pub(crate) fn type_at(&mut self, address: u64) -> Result<(u32, TypeInfo), Fault> {
        if let Some((last, number, info)) = self.last_type
            && last == address
        {
            return Ok((number, info));
        }
        let number = self.register_type(address, 0)?;
        let info = *self.types.get(number as usize).ok_or(Fault::Unreadable)?;
        self.last_type = Some((address, number, info));
        Ok((number, info))
    }

    fn register_type(&mut self, address: u64, depth: u32) -> Result<u32, Fault> {
        let (slot, new) = self.type_index.intern(address)?;
        if !new {
            let known = self.type_numbers.get(slot as usize).copied().flatten();
            return known.ok_or(Fault::Unreadable);
        }
        // Until it has proved to be one, it is no type.
        self.type_numbers.push(None);
        let number = self.read_type(address, depth)?;
        if let Some(known) = self.type_numbers.get_mut(slot as usize) {
            *known = Some(number);
        }
        Ok(number)
    }

    fn read_type(&mut self, address: u64, depth: u32) -> Result<u32, Fault> {
        let memory = self.memory;
        let no_type = Fault::Unreadable;
        let metatype = memory.word(address + fixed::OB_TYPE)?;
        let flags = memory.word(address + fixed::TP_FLAGS)?;
        // `PyType_Ready` is never called for some static types: the one of the links of `lru_cache` in 3.8 and 3.9, for instance.
        let is_type = memory.word(metatype + fixed::TP_FLAGS)? & flag::TYPE_SUBCLASS != 0
            && (flags & flag::READY != 0 || self.is_library_data(address));
        let basicsize = memory.word(address + fixed::TP_BASICSIZE)?;
        let itemsize = memory.word(address + fixed::TP_ITEMSIZE)?;
        if !is_type || basicsize > 1 << 32 || itemsize > 1 << 32 {
            return Err(no_type);
        }
        let mut buffer = [0; 128];
        let tp_name = strings::c_string(memory, memory.word(address + fixed::TP_NAME)?, &mut buffer)?;
        let base_address = memory.word(address + fixed::TP_BASE)?;
        let base = if base_address != 0 && depth < MOST_BASES {
            Some(self.register_type(base_address, depth + 1)?)
        } else {
            None
        };
        let base_info = base.and_then(|number| self.types.get(number as usize)).copied();
        let traverse = memory.word(address + fixed::TP_TRAVERSE)?;
        let heap = flags & flag::HEAPTYPE != 0;
        let python_class = heap && self.python_class_traverse != 0 && traverse == self.python_class_traverse;
        let by_name =
            (!heap || (!python_class && tp_name.contains(&b'.'))).then(|| kind_of(tp_name)).flatten();
        let kind = by_name.unwrap_or(base_info.map_or(Kind::Object, |base| base.kind));
        let exact = by_name.is_some();
        let dict = self.type_dict(address, flags)?;
        let sequence_fields =
            if kind == Kind::Tuple && !exact && !python_class { self.sequence_fields(dict)? } else { 0 };
        let closed = if sequence_fields > 0 {
            // Their `tp_traverse` looks a number up in a dict, which takes a thread state that the copy has not.
            true
        } else if python_class {
            base_info.is_some_and(|base| base.closed)
        } else {
            exact && is_closed(kind) || flags & flag::HAVE_GC == 0 && kind != Kind::NdArray
        };
        let own_fields = if python_class { &[] } else { fields::constant_fields(tp_name) };
        let fields =
            if own_fields.is_empty() { base_info.map_or(&[][..], |base| base.fields) } else { own_fields };
        // What CPython offers as members of these stands in their fields already.
        let described = !python_class && kind != Kind::Object && kind != Kind::Exception;
        let members = self.read_members(address, described, base_info)?;
        let own_sizeof = match dict {
            0 => false,
            dict => dicts::find(memory, &self.interpreter, dict, b"__sizeof__")?.is_some(),
        };
        let sizeof_known = if own_sizeof {
            sizeof_is_known(tp_name) && !python_class
        } else {
            self.inherited_sizeof(address, base_info)?
        };

        let (module, qualname) = self.type_names(address, heap, dict, tp_name)?;
        let object = self.intern(address)?;
        let number = self.writer.type_row(&TypeRow {
            object,
            address,
            module: &module,
            qualname: &qualname,
            basicsize,
            itemsize,
            flags,
            base,
        });
        self.types.push(TypeInfo {
            address,
            kind,
            closed,
            flags,
            basicsize,
            itemsize,
            dictoffset: memory.word(address + fixed::TP_DICTOFFSET)? as i64,
            traverse,
            sequence_fields,
            members,
            fields,
            sizeof_known,
            own_sizeof,
            python_class,
        });
        Ok(number)
    }

    /// `n_fields` of a struct sequence, 0 for another tuple.
    fn sequence_fields(&self, dict: u64) -> Result<u64, Unreadable> {
        match dicts::find(self.memory, &self.interpreter, dict, b"n_fields")? {
            Some(number) => {
                let number = strings::int_value(self.memory, &self.interpreter, number)?;
                Ok(number.filter(|number| *number < 1024).unwrap_or(0))
            }
            None => Ok(0),
        }
    }

    /// Whether the `__sizeof__` that a type without one of its own inherits is a known one.
    fn inherited_sizeof(&mut self, address: u64, base: Option<TypeInfo>) -> Result<bool, Fault> {
        let memory = self.memory;
        let mro = memory.word(address + fixed::TP_MRO)?;
        if mro == 0 {
            return Ok(base.is_none_or(|base| base.sizeof_known));
        }
        let length = memory.word(mro + fixed::OB_SIZE)?.min(u64::from(MOST_BASES));
        for position in 1..length {
            let ancestor =
                memory.word(mro + u64::from(self.interpreter.layout.offsets.tuple_items) + position * 8)?;
            let number = self.register_type(ancestor, MOST_BASES / 2)?;
            if let Some(info) = self.types.get(number as usize)
                && info.own_sizeof
            {
                return Ok(info.sizeof_known);
            }
        }
        Ok(true)
    }

    /// `tp_dict` of a type; that of a static builtin type can be in the interpreter state. 0 if there is none.
    pub(crate) fn type_dict(&self, address: u64, flags: u64) -> Result<u64, Unreadable> {
        match self.static_type_state(address, flags)? {
            Some(state) => {
                self.memory.word(state + u64::from(self.interpreter.layout.offsets.static_type_state_dict))
            }
            None => self.memory.word(address + fixed::TP_DICT),
        }
    }

    /// Where the main interpreter keeps the changing parts of a static builtin type, where it does.
    pub(crate) fn static_type_state(&self, address: u64, flags: u64) -> Result<Option<u64>, Unreadable> {
        let offsets = &self.interpreter.layout.offsets;
        if offsets.interp_static_types == ABSENT || flags & flag::STATIC_BUILTIN == 0 {
            return Ok(None);
        }
        let Some(main) = self.interpreter.states.first() else { return Ok(None) };
        let Some(index) = self.memory.word(address + u64::from(offsets.tp_subclasses))?.checked_sub(1) else {
            return Ok(None);
        };
        for table in [offsets.interp_static_types, offsets.interp_extension_types] {
            if table == ABSENT || index > 4096 {
                continue;
            }
            let state = main + u64::from(table) + index * u64::from(offsets.static_type_state_size);
            if self.memory.word(state)? == address {
                return Ok(Some(state));
            }
        }
        Ok(None)
    }

    /// Collects the `PyMemberDef`s of a type that hold references, after those of its base.
    fn read_members(
        &mut self,
        address: u64,
        described: bool,
        base: Option<TypeInfo>,
    ) -> Result<(u32, u32), Fault> {
        /// `sizeof(PyMemberDef)`.
        const SIZE: u64 = 40;
        const T_OBJECT: u32 = 6;
        const T_OBJECT_EX: u32 = 16;
        let memory = self.memory;
        let first = self.members.len() as u32;
        if let Some(base) = base {
            let (start, end) = base.members;
            for member in start..end {
                if let Some(&inherited) = self.members.get(member as usize) {
                    self.members.push(inherited);
                }
            }
        }
        let mut member = memory.word(address + u64::from(self.interpreter.layout.offsets.tp_members))?;
        for _ in 0..1024 {
            if member == 0 || described {
                break;
            }
            let name = memory.word(member)?;
            if name == 0 {
                break;
            }
            if matches!(memory.half(member + 8)?, T_OBJECT | T_OBJECT_EX) {
                let offset = memory.word(member + 16)?;
                if (16..1 << 20).contains(&offset) {
                    let name = self.c_name(name)?;
                    self.members.push(Member { name, offset: offset as u32 });
                }
            }
            member += SIZE;
        }
        Ok((first, self.members.len() as u32))
    }

    /// Module and qualified name.
    pub(crate) fn type_names(
        &self,
        address: u64,
        heap: bool,
        dict: u64,
        tp_name: &[u8],
    ) -> Result<(String, String), Unreadable> {
        let tp_name = String::from_utf8_lossy(tp_name);
        let (tp_module, tp_qualname) = match tp_name.rsplit_once('.') {
            Some((module, name)) => (module, name),
            None => ("builtins", &*tp_name),
        };
        if !heap {
            return Ok((tp_module.into(), tp_qualname.into()));
        }
        let module = dicts::find(self.memory, &self.interpreter, dict, b"__module__")?
            .and_then(|text| self.text(text, strings::NAME_LIMIT));
        let qualname = self.memory.word(address + u64::from(self.interpreter.layout.offsets.ht_qualname))?;
        let qualname = self.text(qualname, strings::NAME_LIMIT);
        Ok((module.unwrap_or_else(|| tp_module.into()), qualname.unwrap_or_else(|| tp_qualname.into())))
    }

    /// Whether the object at `address`, of this type, has a collector's head before it.
    pub(crate) fn is_gc(&self, address: u64, info: &TypeInfo) -> Result<bool, Unreadable> {
        if !info.has(flag::HAVE_GC) {
            return Ok(false);
        }
        // `type_is_gc` is the only `tp_is_gc` in use: static types have no head.
        if info.has(flag::TYPE_SUBCLASS) {
            return Ok(self.memory.word(address + fixed::TP_FLAGS)? & flag::HEAPTYPE != 0);
        }
        let is_gc = self.memory.word(info.address + u64::from(self.interpreter.layout.offsets.tp_is_gc))?;
        Ok(is_gc == 0)
    }

    /// `tp_flags` of the type object at `address`.
    pub(crate) fn flags_of_type(&self, address: u64) -> Result<u64, Unreadable> {
        self.memory.word(address + fixed::TP_FLAGS)
    }

    /// `tp_name` of the type object at `address`.
    pub(crate) fn name_of_type<'b>(
        &self,
        address: u64,
        buffer: &'b mut [u8; 128],
    ) -> Result<&'b [u8], Unreadable> {
        strings::c_string(self.memory, self.memory.word(address + fixed::TP_NAME)?, buffer)
    }

    /// `tp_traverse` of the type object at `address`.
    pub(crate) fn traverse_of_type(&self, address: u64) -> Result<u64, Unreadable> {
        self.memory.word(address + fixed::TP_TRAVERSE)
    }
}
