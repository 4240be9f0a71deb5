//! Named fields of builtin types whose objects are a fixed set of references: what is not in these tables is still found by
//! `tp_traverse`, but without a name.

use crate::layout::Offsets;
use pyheap_format::FieldName::{self, *};

/// A field that holds a reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Fixed name.
    pub name: FieldName,
    /// From the start of the object, in bytes.
    pub offset: u32,
    /// Whether it owns its reference.
    pub owned: bool,
}

pub(crate) const fn owned(name: FieldName, offset: u32) -> Field {
    Field { name, offset, owned: true }
}

const fn borrowed(name: FieldName, offset: u32) -> Field {
    Field { name, offset, owned: false }
}

/// The fields of types whose layout is the same in all versions, 3.8 to 3.13, by `tp_name`.
/// Source: the structures in `Include/cpython/*.h` and `Objects/*.c`.
pub(crate) fn constant_fields(tp_name: &[u8]) -> &'static [Field] {
    match tp_name {
        b"cell" => const { &[owned(Obj, 16)] },
        b"method" => const { &[owned(Func, 16), owned(SelfObject, 24)] },
        b"builtin_function_or_method" | b"builtin_method" => {
            const { &[owned(SelfObject, 24), owned(Module, 32)] }
        }
        b"module" => const { &[owned(Dict, MODULE_DICT)] },
        b"staticmethod" | b"classmethod" => const { &[owned(Wrapped, 16), owned(Dict, 24)] },
        b"instancemethod" => const { &[owned(Func, 16)] },
        b"property" => const { &[owned(Fget, 16), owned(Fset, 24), owned(Fdel, 32), owned(Doc, 40)] },
        b"method_descriptor"
        | b"classmethod_descriptor"
        | b"member_descriptor"
        | b"getset_descriptor"
        | b"wrapper_descriptor" => const { &[owned(Objclass, 16), owned(Name, 24), owned(Qualname, 32)] },
        b"method-wrapper" => const { &[owned(Func, 16), owned(SelfObject, 24)] },
        b"traceback" => const { &[owned(TbNext, 16), owned(TbFrame, 24)] },
        b"range" => const { &[owned(Start, 16), owned(Stop, 24), owned(Step, 32), owned(Length, 40)] },
        b"slice" => const { &[owned(Start, 16), owned(Stop, 24), owned(Step, 32)] },
        b"mappingproxy" => const { &[owned(Mapping, 16)] },
        b"dict_keys" | b"dict_values" | b"dict_items" => const { &[owned(Mapping, 16)] },
        b"list_iterator" | b"tuple_iterator" | b"str_iterator" | b"bytes_iterator" | b"iterator" => {
            const { &[owned(Iterated, 24)] }
        }
        b"dict_keyiterator" | b"dict_valueiterator" | b"dict_itemiterator" | b"set_iterator" => {
            const { &[owned(Iterated, 16)] }
        }
        b"callable_iterator" => const { &[owned(IterCallable, 16), owned(Sentinel, 24)] },
        b"memoryview" => const { &[owned(ManagedBuffer, 24), borrowed(Obj, 64)] },
        b"managedbuffer" => const { &[owned(Exporter, 32 + 8)] },
        b"weakref"
        | b"weakproxy"
        | b"weakcallableproxy"
        | b"weakref.ReferenceType"
        | b"weakref.ProxyType"
        | b"weakref.CallableProxyType" => const { &[borrowed(Referent, 16), owned(Callback, 24)] },
        b"functools.partial" => const { &[owned(Function, 16), owned(Args, 24), owned(Keywords, 32)] },
        // `Modules/_functoolsmodule.c`: the wrapper, and the links of its list.
        b"functools._lru_cache_wrapper" => const { &[owned(Cache, 72), owned(Function, 88)] },
        b"functools._lru_list_elem" => const { &[owned(Key, 40), owned(Result, 48)] },
        // `Modules/_abc.c`
        b"_abc_data" | b"_abc._abc_data" => {
            const { &[owned(AbcRegistry, 16), owned(AbcCache, 24), owned(AbcNegativeCache, 32)] }
        }
        // `Modules/_decimal/_decimal.c`: its structure begins with libmpdec's context.
        b"decimal.Context" => const { &[owned(Traps, 64), owned(Flags, 72)] },
        b"moduledef" => const { &[owned(Copy, 32)] },
        b"collections.defaultdict" => const { &[owned(DefaultFactory, 48)] },
        b"types.GenericAlias" => const { &[owned(Origin, 16), owned(Args, 24), owned(Parameters, 32)] },
        b"super" => const { &[owned(ThisClass, 16), owned(Obj, 24), owned(SelfClass, 32)] },
        b"datetime.timezone" => const { &[owned(Offset, 16), owned(DatetimeName, 24)] },
        _ => &[],
    }
}

/// The fields of functions in this version.
pub(crate) fn function_fields(offsets: &Offsets) -> [Field; 14] {
    [
        owned(Code, offsets.func_code),
        owned(Globals, offsets.func_globals),
        owned(Builtins, offsets.func_builtins),
        owned(Module, offsets.func_module),
        owned(Defaults, offsets.func_defaults),
        owned(Kwdefaults, offsets.func_kwdefaults),
        owned(Doc, offsets.func_doc),
        owned(Name, offsets.func_name),
        owned(Dict, offsets.func_dict),
        owned(Closure, offsets.func_closure),
        owned(Annotations, offsets.func_annotations),
        owned(Annotate, offsets.func_annotate),
        owned(TypeParams, offsets.func_typeparams),
        owned(Qualname, offsets.func_qualname),
    ]
}

/// The fields of exceptions, whatever their class, in this version.
pub(crate) fn exception_fields(offsets: &Offsets) -> [Field; 6] {
    [
        owned(Dict, offsets.exception_dict),
        owned(Args, offsets.exception_args),
        owned(Notes, offsets.exception_notes),
        owned(Traceback, offsets.exception_traceback),
        owned(Context, offsets.exception_context),
        owned(Cause, offsets.exception_cause),
    ]
}

/// Offset of `md_dict` in `PyModuleObject` (`Objects/moduleobject.c`, `pycore_moduleobject.h`, 3.8 to 3.15).
pub(crate) const MODULE_DICT: u32 = 16;
