//! Where CPython keeps what: one table of offsets per minor version, holding only the fields that the walker uses.
//!
//! `layouts/offsets.c` prints the same numbers from an installed CPython's headers; a test compares.

mod v3_10;
mod v3_11;
mod v3_12;
mod v3_13;
mod v3_8;
mod v3_9;

use crate::interpreter::Unsupported;

/// Offset of a field that this version does not have.
pub const ABSENT: u32 = 0xFFFF;

macro_rules! layout {
    ($($field:ident,)*) => {
        /// Offsets of fields and sizes of structures, in bytes, named after CPython's own fields with the structure in front.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the fields are CPython's own")]
        pub struct Layout { $(pub $field: u32,)* }

        impl Layout {
            /// All fields with their names, in order.
            pub fn entries(&self) -> impl Iterator<Item = (&'static str, u32)> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }
        }
    };
}

layout! {
    runtime_interpreters_head,
    interp_next,
    interp_threads_head,
    gc,
    gc_generations,
    gc_permanent,
    gc_collecting,
    gil,
    gil_locked,
    gil_last_holder,
    eval_breaker,
    gil_drop_request,
    signals_pending,
    tstate_current,
    pending,
    pending_lock,
    pending_calls_to_do,
    pending_async_exc,
    pending_max,
    pending_last,
    pending_first,
    pending_calls,
    pending_call_size,
    pending_calls_size,
    interp_modules,
    interp_modules_by_index,
    interp_importlib,
    interp_import_func,
    interp_sysdict,
    interp_builtins,
    interp_dict,
    interp_codec_search_path,
    interp_codec_search_cache,
    interp_codec_error_registry,
    interp_size,
    interp_static_types,
    interp_extension_types,
    static_type_state_size,
    static_type_state_dict,
    static_type_state_subclasses,
    tstate_next,
    tstate_thread_id,
    tstate_native_thread_id,
    tstate_frame,
    cframe_current_frame,
    tstate_dict,
    tstate_context,
    tstate_async_exc,
    tstate_c_profileobj,
    tstate_c_traceobj,
    tstate_async_gen_firstiter,
    tstate_async_gen_finalizer,
    tstate_current_exception,
    tstate_exc_info,
    exc_value,
    exc_previous,
    type_size,
    heap_type_size,
    tp_subclasses,
    tp_cache,
    tp_bases,
    tp_members,
    tp_doc,
    tp_is_gc,
    tp_weaklistoffset,
    ht_name,
    ht_slots,
    ht_qualname,
    ht_cached_keys,
    ht_module,
    func_code,
    func_globals,
    func_builtins,
    func_defaults,
    func_kwdefaults,
    func_closure,
    func_doc,
    func_name,
    func_dict,
    func_module,
    func_annotations,
    func_qualname,
    func_typeparams,
    co_argcount,
    co_firstlineno,
    co_stacksize,
    co_flags,
    co_consts,
    co_names,
    co_filename,
    co_name,
    co_extra,
    co_linetable,
    co_qualname,
    co_exceptiontable,
    co_localsplusnames,
    co_localspluskinds,
    co_nlocalsplus,
    co_code_adaptive,
    co_code,
    co_varnames,
    co_freevars,
    co_cellvars,
    co_nlocals,
    co_cell2arg,
    co_opcache,
    co_opcache_size,
    co_zombieframe,
    co_cached,
    frame_code,
    frame_instruction,
    frame_func,
    frame_previous,
    frame_globals,
    frame_builtins,
    frame_locals,
    frame_object,
    frame_stacktop,
    frame_localsplus,
    frame_owner,
    frame_object_frame,
    frame_object_data,
    frame_object_back,
    frame_object_trace,
    frame_valuestack,
    gen_frame,
    gen_frame_state,
    gen_name,
    gen_qualname,
    gen_exc_value,
    gen_weakreflist,
    gen_code,
    gen_size,
    cr_origin,
    ag_hooks,
    exception_dict,
    exception_args,
    exception_notes,
    exception_traceback,
    exception_context,
    exception_cause,
    str_state,
    str_ascii_header,
    str_compact_header,
    str_header,
    str_utf8,
    str_utf8_length,
    str_data,
    str_wstr,
    str_wstr_length,
    long_digits,
    tuple_items,
    bytes_data,
}

impl Layout {
    /// The table for `PY_VERSION_HEX`.
    pub fn for_version(hex: u32) -> Result<&'static Self, Unsupported> {
        match hex >> 16 {
            0x0308 => Ok(&v3_8::LAYOUT),
            0x0309 => Ok(&v3_9::LAYOUT),
            0x030A => Ok(&v3_10::LAYOUT),
            0x030B => Ok(&v3_11::LAYOUT),
            0x030C => Ok(&v3_12::LAYOUT),
            0x030D => Ok(&v3_13::LAYOUT),
            _ => Err(Unsupported::Version { hex }),
        }
    }
}
