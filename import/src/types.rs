//! Types: their names, and which of them are heap types.

use crate::legacy::{Content, File, Object};
use pyheap_format::vocabulary::{NONE, TypeNumber};
use pyheap_format::writer::TypeRow;
use std::collections::HashMap;

/// Number of the type of objects of unknown type, which the format reserves.
const UNREADABLE: TypeNumber = 0;

/// A type.
#[derive(Debug)]
pub(crate) struct Class {
    address: u64,
    module: String,
    qualname: String,
    /// Number of the type object.
    object: Option<u32>,
    /// Allocated: then its instances own a reference to it.
    pub(crate) heap: bool,
}

/// All types of a file; their numbers start with 1.
#[derive(Debug)]
pub(crate) struct Types {
    classes: Vec<Class>,
    by_address: HashMap<u64, TypeNumber>,
}

impl Types {
    pub(crate) fn new(file: &File<'_>, numbers: &HashMap<u64, u32>) -> Self {
        let mut types = Self { classes: Vec::new(), by_address: HashMap::new() };
        let of = |address: u64| {
            Some((*numbers.get(&address)?, file.objects.get(*numbers.get(&address)? as usize)?))
        };
        let listed =
            file.types.iter().chain(&file.well_known).map(|(address, name)| (*address, Some(name.as_str())));
        // A file that is cut off does not have its table of types.
        let used = file.objects.iter().map(|object| (object.class, None));
        for (address, name) in listed.chain(used) {
            if types.by_address.contains_key(&address) {
                continue;
            }
            let object = of(address);
            let known = file.well_known.iter().any(|(known, _)| *known == address);
            let (module, qualname) = full_name(file, numbers, object.map(|(_, object)| object), name, known);
            types.classes.push(Class {
                address,
                module,
                qualname: qualname.unwrap_or_else(|| format!("<type at 0x{address:x}>")),
                object: object.map(|(number, _)| number),
                // `gc.get_referents` skips what the collector does not track, and so static types.
                heap: object.is_some_and(|(_, object)| !object.referents.is_empty()),
            });
            types.by_address.insert(address, types.classes.len() as TypeNumber);
        }
        types
    }

    /// The type at an address, with its number.
    pub(crate) fn at(&self, address: u64) -> Option<(TypeNumber, &Class)> {
        let number = *self.by_address.get(&address)?;
        Some((number, self.classes.get((number - 1) as usize)?))
    }

    /// Number of the type at an address.
    pub(crate) fn number(&self, address: u64) -> TypeNumber {
        self.at(address).map_or(UNREADABLE, |(number, _)| number)
    }

    /// Whether an object is a static type.
    pub(crate) fn is_static_type(&self, object: &Object<'_>) -> bool {
        self.at(object.address).is_some_and(|(_, class)| !class.heap)
    }

    /// The type's name if it is builtin.
    pub(crate) fn builtin_name(&self, address: u64) -> Option<&str> {
        let (_, class) = self.at(address)?;
        (class.module == "builtins").then_some(class.qualname.as_str())
    }

    /// All rows, in the order of their numbers.
    pub(crate) fn rows(&self) -> impl Iterator<Item = TypeRow<'_>> {
        let unreadable =
            Class { address: 0, module: String::new(), qualname: String::new(), object: None, heap: false };
        let row = |class: &Class| (class.address, class.object.unwrap_or(NONE), class.heap);
        let first = std::iter::once((row(&unreadable), "", "<unreadable>"));
        let rest = self
            .classes
            .iter()
            .map(move |class| (row(class), class.module.as_str(), class.qualname.as_str()));
        first.chain(rest).map(|((address, object, heap), module, qualname)| TypeRow {
            object,
            address,
            module,
            qualname,
            basicsize: 0,
            itemsize: 0,
            flags: if heap { pyheap_format::reader::Type::HEAP_TYPE } else { 0 },
            base: None,
        })
    }
}

/// Module and qualified name of a type, from all that the file has of it; the module is empty where it is not known.
fn full_name(
    file: &File<'_>,
    numbers: &HashMap<u64, u32>,
    object: Option<&Object<'_>>,
    name: Option<&str>,
    known: bool,
) -> (String, Option<String>) {
    if known {
        return ("builtins".into(), name.map(Into::into));
    }
    let representation = object.and_then(|object| std::str::from_utf8(object.representation?).ok());
    let written = representation.and_then(|text| text.strip_prefix("<class '")?.strip_suffix("'>"));
    let module = object.and_then(|object| module_of(file, numbers, object));
    match (written, module) {
        (Some(written), Some(module)) => {
            let rest = written.strip_prefix(module).and_then(|rest| rest.strip_prefix('.'));
            (module.into(), Some(rest.unwrap_or(written).into()))
        }
        (Some(written), None) => match written.rsplit_once('.') {
            Some((module, name)) => (module.into(), Some(name.into())),
            None => ("builtins".into(), Some(written.into())),
        },
        (None, module) => (module.unwrap_or_default().into(), name.map(Into::into)),
    }
}

/// `__module__` of a class that was made by Python code.
fn module_of<'a>(file: &'a File<'_>, numbers: &HashMap<u64, u32>, class: &'a Object<'_>) -> Option<&'a str> {
    if class.referents.is_empty() || !matches!(class.content, Content::Other) {
        return None;
    }
    let (_, value) = file.attributes(class).find(|(name, _)| *name == b"__module__")?;
    let value = file.objects.get(*numbers.get(&value)? as usize)?;
    let text = file.well_known.iter().find(|(_, name)| name == "str")?.0;
    std::str::from_utf8(value.representation.filter(|_| value.class == text)?).ok()
}
