//! Types and names records.

use super::error::Malformed;
use super::items::Items;
use crate::vocabulary::{ObjectNumber, TypeNumber};

/// A type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Type {
    /// Number of the type object.
    pub object: ObjectNumber,
    /// Address of the type object in the target's address space.
    pub address: u64,
    /// `__module__`.
    pub module: String,
    /// `__qualname__`.
    pub qualname: String,
    /// `tp_basicsize`, bytes.
    pub basicsize: u64,
    /// `tp_itemsize`, bytes.
    pub itemsize: u64,
    /// `tp_flags` as it stood in memory.
    pub flags: u64,
    /// Number of the type of `tp_base`.
    pub base: Option<TypeNumber>,
}

impl Type {
    /// `Py_TPFLAGS_HEAPTYPE`: the type was allocated, and its instances own a reference to it.
    pub const HEAP_TYPE: u64 = 1 << 9;

    /// `module.qualname`; builtins without their module.
    pub fn full_name(&self) -> String {
        if matches!(self.module.as_str(), "" | "builtins") {
            self.qualname.clone()
        } else {
            format!("{}.{}", self.module, self.qualname)
        }
    }

    /// Whether it is a heap type, as classes defined in Python are.
    pub fn is_heap_type(&self) -> bool {
        self.flags & Self::HEAP_TYPE != 0
    }

    pub(super) fn unknown() -> Self {
        Self { object: crate::vocabulary::NONE, qualname: "<unknown>".into(), ..Self::default() }
    }
}

/// Reads `[first, [* type]]`.
pub(super) fn read_types(body: &[u8]) -> Result<(u64, Vec<Type>), Malformed> {
    let items = &mut Items::new(body);
    items.array(2, "an array of 2 elements")?;
    let first = items.unsigned("the first type's number")?;
    let count = items.array(0, "the array of types")?;
    let mut types = Vec::new();
    for _ in 0..count {
        let elements = items.array(8, "a type of 8 elements")?;
        types.push(Type {
            object: items.number("the type's object")?,
            address: items.unsigned("the type's address")?,
            module: items.text("the type's module")?.into_owned(),
            qualname: items.text("the type's name")?.into_owned(),
            basicsize: items.unsigned("the type's basicsize")?,
            itemsize: items.unsigned("the type's itemsize")?,
            flags: items.unsigned("the type's flags")?,
            base: items.optional_number("the type's base")?,
        });
        items.skip(elements - 8)?;
    }
    Ok((first, types))
}

/// Reads `[first, [* text]]`.
pub(super) fn read_names(body: &[u8]) -> Result<(u64, Vec<Box<str>>), Malformed> {
    let items = &mut Items::new(body);
    items.array(2, "an array of 2 elements")?;
    let first = items.unsigned("the first name's number")?;
    let count = items.array(0, "the array of names")?;
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(items.text("a name")?.into());
    }
    Ok((first, names))
}
