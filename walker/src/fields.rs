//! Named fields of builtin types whose objects are a fixed set of references: what is not in these tables is still found by
//! `tp_traverse`, but without a name.

use crate::layout::Layout;
use crate::names::*;

/// A field that holds a reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Fixed name.
    pub name: u32,
    /// From the start of the object, in bytes.
    pub offset: u32,
    /// Whether it owns its reference.
    pub owned: bool,
}

const fn owned(name: u32, offset: u32) -> Field {
    Field { name, offset, owned: true }
}

const fn borrowed(name: u32, offset: u32) -> Field {
    Field { name, offset, owned: false }
}

/// The fields of types whose layout is the same in all versions, 3.8 to 3.15, by `tp_name`.
/// Source: the structures in `Include/cpython/*.h` and `Objects/*.c`.
pub(crate) fn constant_fields(tp_name: &[u8]) -> &'static [Field] {
    match tp_name {
        b"cell" => const { &[owned(OBJ, 16)] },
        b"method" => const { &[owned(FUNC, 16), owned(SELF, 24)] },
        b"builtin_function_or_method" | b"builtin_method" => const { &[owned(SELF, 24), owned(MODULE, 32)] },
        b"module" => const { &[owned(DICT, 16), owned(NAME, 48)] },
        b"staticmethod" | b"classmethod" => const { &[owned(WRAPPED, 16), owned(DICT, 24)] },
        b"instancemethod" => const { &[owned(FUNC, 16)] },
        b"property" => const { &[owned(FGET, 16), owned(FSET, 24), owned(FDEL, 32), owned(DOC, 40)] },
        b"method_descriptor"
        | b"classmethod_descriptor"
        | b"member_descriptor"
        | b"getset_descriptor"
        | b"wrapper_descriptor" => const { &[owned(OBJCLASS, 16), owned(NAME, 24), owned(QUALNAME, 32)] },
        b"method-wrapper" => const { &[owned(FUNC, 16), owned(SELF, 24)] },
        b"traceback" => const { &[owned(TB_NEXT, 16), owned(TB_FRAME, 24)] },
        b"range" => const { &[owned(START, 16), owned(STOP, 24), owned(STEP, 32), owned(LENGTH, 40)] },
        b"slice" => const { &[owned(START, 16), owned(STOP, 24), owned(STEP, 32)] },
        b"mappingproxy" => const { &[owned(MAPPING, 16)] },
        b"dict_keys" | b"dict_values" | b"dict_items" => const { &[owned(MAPPING, 16)] },
        b"list_iterator" | b"tuple_iterator" | b"str_iterator" | b"bytes_iterator" | b"iterator" => {
            const { &[owned(ITERATED, 24)] }
        }
        b"dict_keyiterator" | b"dict_valueiterator" | b"dict_itemiterator" | b"set_iterator" => {
            const { &[owned(ITERATED, 16)] }
        }
        b"callable_iterator" => const { &[owned(ITER_CALLABLE, 16), owned(SENTINEL, 24)] },
        b"memoryview" => const { &[owned(MANAGED_BUFFER, 24), borrowed(OBJ, 64)] },
        b"managedbuffer" => const { &[owned(EXPORTER, 32 + 8)] },
        b"weakref"
        | b"weakproxy"
        | b"weakcallableproxy"
        | b"weakref.ReferenceType"
        | b"weakref.ProxyType"
        | b"weakref.CallableProxyType" => const { &[borrowed(REFERENT, 16), owned(CALLBACK, 24)] },
        b"functools.partial" => const { &[owned(FUNCTION, 16), owned(ARGS, 24), owned(KEYWORDS, 32)] },
        // `Modules/_functoolsmodule.c`: the wrapper, and the links of its list.
        b"functools._lru_cache_wrapper" => const { &[owned(CACHE, 72), owned(FUNCTION, 88)] },
        b"functools._lru_list_elem" => const { &[owned(KEY, 40), owned(RESULT, 48)] },
        // `Modules/_abc.c`
        b"_abc_data" | b"_abc._abc_data" => {
            const { &[owned(ABC_REGISTRY, 16), owned(ABC_CACHE, 24), owned(ABC_NEGATIVE_CACHE, 32)] }
        }
        // `Modules/_decimal/_decimal.c`: its structure begins with libmpdec's context.
        b"decimal.Context" => const { &[owned(TRAPS, 64), owned(FLAGS, 72)] },
        b"moduledef" => const { &[owned(COPY, 32)] },
        b"collections.defaultdict" => const { &[owned(DEFAULT_FACTORY, 48)] },
        b"types.GenericAlias" => const { &[owned(ORIGIN, 16), owned(ARGS, 24), owned(PARAMETERS, 32)] },
        b"super" => const { &[owned(THIS_CLASS, 16), owned(OBJ, 24), owned(SELF_CLASS, 32)] },
        b"datetime.timezone" => const { &[owned(OFFSET, 16), owned(DATETIME_NAME, 24)] },
        _ => &[],
    }
}

/// The fields of functions in this version.
pub(crate) fn function_fields(layout: &Layout) -> [Field; 13] {
    [
        owned(CODE, layout.func_code),
        owned(GLOBALS, layout.func_globals),
        owned(BUILTINS, layout.func_builtins),
        owned(MODULE, layout.func_module),
        owned(DEFAULTS, layout.func_defaults),
        owned(KWDEFAULTS, layout.func_kwdefaults),
        owned(DOC, layout.func_doc),
        owned(NAME, layout.func_name),
        owned(DICT, layout.func_dict),
        owned(CLOSURE, layout.func_closure),
        owned(ANNOTATIONS, layout.func_annotations),
        owned(TYPE_PARAMS, layout.func_typeparams),
        owned(QUALNAME, layout.func_qualname),
    ]
}

/// The fields of code objects in this version.
pub(crate) fn code_fields(layout: &Layout) -> [Field; 13] {
    [
        owned(CO_CODE, layout.co_code),
        owned(CO_CONSTS, layout.co_consts),
        owned(CO_NAMES, layout.co_names),
        owned(CO_VARNAMES, layout.co_varnames),
        owned(CO_FREEVARS, layout.co_freevars),
        owned(CO_CELLVARS, layout.co_cellvars),
        owned(CO_LOCALSPLUSNAMES, layout.co_localsplusnames),
        owned(CO_LOCALSPLUSKINDS, layout.co_localspluskinds),
        owned(CO_FILENAME, layout.co_filename),
        owned(CO_NAME, layout.co_name),
        owned(CO_QUALNAME, layout.co_qualname),
        owned(CO_LINETABLE, layout.co_linetable),
        owned(CO_EXCEPTIONTABLE, layout.co_exceptiontable),
    ]
}

/// The fields of exceptions, whatever their class, in this version.
pub(crate) fn exception_fields(layout: &Layout) -> [Field; 6] {
    [
        owned(DICT, layout.exception_dict),
        owned(ARGS, layout.exception_args),
        owned(NOTES, layout.exception_notes),
        owned(TRACEBACK, layout.exception_traceback),
        owned(CONTEXT, layout.exception_context),
        owned(CAUSE, layout.exception_cause),
    ]
}

/// The fields of heap types in this version; those of static types are the first four.
pub(crate) fn type_fields(layout: &Layout) -> [Field; 10] {
    [
        owned(DICT, TP_DICT),
        owned(BASES, layout.tp_bases),
        owned(BASE, TP_BASE),
        owned(MRO, TP_MRO),
        owned(TP_CACHE, layout.tp_cache),
        owned(SUBCLASSES, layout.tp_subclasses),
        owned(NAME, layout.ht_name),
        owned(SLOTS, layout.ht_slots),
        owned(QUALNAME, layout.ht_qualname),
        owned(MODULE, layout.ht_module),
    ]
}

/// `PyTypeObject.tp_dict`, 3.8 to 3.15.
pub(crate) const TP_DICT: u32 = 264;
/// `PyTypeObject.tp_base`, 3.8 to 3.15.
pub(crate) const TP_BASE: u32 = 256;
/// `PyTypeObject.tp_mro`, 3.8 to 3.15.
pub(crate) const TP_MRO: u32 = 344;
