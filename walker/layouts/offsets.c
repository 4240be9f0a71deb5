/* Prints the layout of the CPython whose headers it is compiled with, one "name value" per line: the oracle for walker/src/layout.
 * Compile with -DPy_BUILD_CORE and the include folders `include/pythonX.Y` and `include/pythonX.Y/internal`. */
#include <Python.h>
#include <stddef.h>
#include <stdio.h>
#include <frameobject.h>
#if PY_VERSION_HEX < 0x03090000
#include <pycore_pystate.h>
#include <pycore_ceval.h>
#include <pycore_gil.h>
#else
#include <pycore_interp.h>
#include <pycore_runtime.h>
#include <pycore_gc.h>
#include <pycore_gil.h>
#endif
#if PY_VERSION_HEX >= 0x030B0000
#include <pycore_frame.h>
#endif
#if PY_VERSION_HEX >= 0x030E0000
#include <pycore_interpframe_structs.h>
#include <pycore_runtime_structs.h>
#endif
#if PY_VERSION_HEX >= 0x030C0000
#include <pycore_typeobject.h>
#endif
#if PY_VERSION_HEX >= 0x030A0000
#include <pycore_moduleobject.h>
#endif
#if PY_VERSION_HEX >= 0x030B0000
#include <pycore_dict.h>
#include <pycore_code.h>
#endif

#define NUMBER(name, value) printf(#name " %zu\n", (size_t)(value))
#define OFFSET(name, type, field) NUMBER(name, offsetof(type, field))
#define ABSENT(name) NUMBER(name, 0xFFFF)
/* Where the interpreter's own table tells the offset that has this name above. */
#if PY_VERSION_HEX >= 0x030D0000
#define DEBUG(name, field) OFFSET(debug_##name, _Py_DebugOffsets, field)
#else
#define DEBUG(name, field) ABSENT(debug_##name)
#endif

typedef PyInterpreterState Interp;
typedef PyThreadState Thread;

int main(void) {
    OFFSET(runtime_interpreters_head, _PyRuntimeState, interpreters.head);
    OFFSET(interp_next, Interp, next);
#if PY_VERSION_HEX >= 0x030B0000
    OFFSET(interp_threads_head, Interp, threads.head);
#else
    OFFSET(interp_threads_head, Interp, tstate_head);
#endif
#if PY_VERSION_HEX < 0x03090000
    OFFSET(gc, _PyRuntimeState, gc);
#else
    OFFSET(gc, Interp, gc);
#endif
    OFFSET(gc_generations, struct _gc_runtime_state, generations);
    OFFSET(gc_permanent, struct _gc_runtime_state, permanent_generation);
    OFFSET(gc_collecting, struct _gc_runtime_state, collecting);
#if PY_VERSION_HEX >= 0x030C0000
    OFFSET(gil, Interp, ceval.gil);
    OFFSET(gil_locked, struct _gil_runtime_state, locked);
    OFFSET(gil_last_holder, struct _gil_runtime_state, last_holder);
#else
    OFFSET(gil, _PyRuntimeState, ceval.gil);
    OFFSET(gil_locked, struct _gil_runtime_state, locked);
    OFFSET(gil_last_holder, struct _gil_runtime_state, last_holder);
#endif
#if PY_VERSION_HEX >= 0x030D0000
    OFFSET(eval_breaker, Thread, eval_breaker);
#elif PY_VERSION_HEX >= 0x03090000
    OFFSET(eval_breaker, Interp, ceval.eval_breaker);
#else
    OFFSET(eval_breaker, _PyRuntimeState, ceval.eval_breaker);
#endif
#if PY_VERSION_HEX >= 0x030C0000
    ABSENT(gil_drop_request);
    ABSENT(signals_pending);
    ABSENT(tstate_current);
#elif PY_VERSION_HEX >= 0x03090000
    OFFSET(gil_drop_request, Interp, ceval.gil_drop_request);
    OFFSET(signals_pending, _PyRuntimeState, ceval.signals_pending);
    OFFSET(tstate_current, _PyRuntimeState, gilstate.tstate_current);
#else
    OFFSET(gil_drop_request, _PyRuntimeState, ceval.gil_drop_request);
    OFFSET(signals_pending, _PyRuntimeState, ceval.signals_pending);
    OFFSET(tstate_current, _PyRuntimeState, gilstate.tstate_current);
#endif
#if PY_VERSION_HEX >= 0x03090000
    OFFSET(pending, Interp, ceval.pending);
#else
    OFFSET(pending, _PyRuntimeState, ceval.pending);
#endif
#if PY_VERSION_HEX >= 0x030D0000
    OFFSET(pending_lock, struct _pending_calls, mutex);
    OFFSET(pending_calls_to_do, struct _pending_calls, npending);
    ABSENT(pending_async_exc);
    OFFSET(pending_max, struct _pending_calls, max);
    OFFSET(pending_last, struct _pending_calls, next);
#else
    OFFSET(pending_lock, struct _pending_calls, lock);
    OFFSET(pending_calls_to_do, struct _pending_calls, calls_to_do);
    OFFSET(pending_async_exc, struct _pending_calls, async_exc);
    ABSENT(pending_max);
    OFFSET(pending_last, struct _pending_calls, last);
#endif
    OFFSET(pending_first, struct _pending_calls, first);
    OFFSET(pending_calls, struct _pending_calls, calls);
    NUMBER(pending_call_size, sizeof(((struct _pending_calls *)0)->calls[0]));
    NUMBER(pending_calls_size, sizeof(((struct _pending_calls *)0)->calls));
#if PY_VERSION_HEX >= 0x030C0000
    OFFSET(interp_modules, Interp, imports.modules);
    OFFSET(interp_modules_by_index, Interp, imports.modules_by_index);
    OFFSET(interp_importlib, Interp, imports.importlib);
    OFFSET(interp_import_func, Interp, imports.import_func);
#else
    OFFSET(interp_modules, Interp, modules);
    OFFSET(interp_modules_by_index, Interp, modules_by_index);
    OFFSET(interp_importlib, Interp, importlib);
    OFFSET(interp_import_func, Interp, import_func);
#endif
    OFFSET(interp_sysdict, Interp, sysdict);
    OFFSET(interp_builtins, Interp, builtins);
    OFFSET(interp_dict, Interp, dict);
#if PY_VERSION_HEX >= 0x030D0000
    OFFSET(interp_codec_search_path, Interp, codecs.search_path);
    OFFSET(interp_codec_search_cache, Interp, codecs.search_cache);
    OFFSET(interp_codec_error_registry, Interp, codecs.error_registry);
#else
    OFFSET(interp_codec_search_path, Interp, codec_search_path);
    OFFSET(interp_codec_search_cache, Interp, codec_search_cache);
    OFFSET(interp_codec_error_registry, Interp, codec_error_registry);
#endif
    NUMBER(interp_size, sizeof(Interp));
#if PY_VERSION_HEX >= 0x030D0000
    OFFSET(interp_interned, Interp, cached_objects.interned_strings);
#else
    ABSENT(interp_interned);
#endif
#if PY_VERSION_HEX >= 0x030D0000
    OFFSET(interp_static_types, Interp, types.builtins.initialized);
    OFFSET(interp_extension_types, Interp, types.for_extensions.initialized);
    NUMBER(static_type_state_size, sizeof(managed_static_type_state));
    OFFSET(static_type_state_dict, managed_static_type_state, tp_dict);
    OFFSET(static_type_state_subclasses, managed_static_type_state, tp_subclasses);
#elif PY_VERSION_HEX >= 0x030C0000
    OFFSET(interp_static_types, Interp, types.builtins);
    ABSENT(interp_extension_types);
    NUMBER(static_type_state_size, sizeof(static_builtin_state));
    OFFSET(static_type_state_dict, static_builtin_state, tp_dict);
    OFFSET(static_type_state_subclasses, static_builtin_state, tp_subclasses);
#else
    ABSENT(interp_static_types);
    ABSENT(interp_extension_types);
    ABSENT(static_type_state_size);
    ABSENT(static_type_state_dict);
    ABSENT(static_type_state_subclasses);
#endif

    OFFSET(tstate_next, Thread, next);
    OFFSET(tstate_thread_id, Thread, thread_id);
#if PY_VERSION_HEX >= 0x030B0000
    OFFSET(tstate_native_thread_id, Thread, native_thread_id);
#else
    ABSENT(tstate_native_thread_id);
#endif
#if PY_VERSION_HEX >= 0x030D0000
    OFFSET(tstate_frame, Thread, current_frame);
    ABSENT(cframe_current_frame);
#elif PY_VERSION_HEX >= 0x030B0000
    OFFSET(tstate_frame, Thread, cframe);
    OFFSET(cframe_current_frame, _PyCFrame, current_frame);
#else
    OFFSET(tstate_frame, Thread, frame);
    ABSENT(cframe_current_frame);
#endif
    OFFSET(tstate_dict, Thread, dict);
    OFFSET(tstate_context, Thread, context);
    OFFSET(tstate_async_exc, Thread, async_exc);
    OFFSET(tstate_c_profileobj, Thread, c_profileobj);
    OFFSET(tstate_c_traceobj, Thread, c_traceobj);
    OFFSET(tstate_async_gen_firstiter, Thread, async_gen_firstiter);
    OFFSET(tstate_async_gen_finalizer, Thread, async_gen_finalizer);
#if PY_VERSION_HEX >= 0x030C0000
    OFFSET(tstate_current_exception, Thread, current_exception);
#else
    OFFSET(tstate_current_exception, Thread, curexc_value);
#endif
    OFFSET(tstate_exc_info, Thread, exc_info);
    OFFSET(exc_value, _PyErr_StackItem, exc_value);
    OFFSET(exc_previous, _PyErr_StackItem, previous_item);

    NUMBER(type_size, sizeof(PyTypeObject));
    NUMBER(heap_type_size, sizeof(PyHeapTypeObject));
    OFFSET(tp_subclasses, PyTypeObject, tp_subclasses);
    OFFSET(tp_cache, PyTypeObject, tp_cache);
    OFFSET(tp_bases, PyTypeObject, tp_bases);
    OFFSET(tp_members, PyTypeObject, tp_members);
    OFFSET(tp_doc, PyTypeObject, tp_doc);
    OFFSET(tp_is_gc, PyTypeObject, tp_is_gc);
    OFFSET(tp_weaklistoffset, PyTypeObject, tp_weaklistoffset);
    OFFSET(ht_name, PyHeapTypeObject, ht_name);
    OFFSET(ht_slots, PyHeapTypeObject, ht_slots);
    OFFSET(ht_qualname, PyHeapTypeObject, ht_qualname);
    OFFSET(ht_cached_keys, PyHeapTypeObject, ht_cached_keys);
#if PY_VERSION_HEX >= 0x03090000
    OFFSET(ht_module, PyHeapTypeObject, ht_module);
#else
    ABSENT(ht_module);
#endif

    OFFSET(func_code, PyFunctionObject, func_code);
    OFFSET(func_globals, PyFunctionObject, func_globals);
#if PY_VERSION_HEX >= 0x030A0000
    OFFSET(func_builtins, PyFunctionObject, func_builtins);
#else
    ABSENT(func_builtins);
#endif
    OFFSET(func_defaults, PyFunctionObject, func_defaults);
    OFFSET(func_kwdefaults, PyFunctionObject, func_kwdefaults);
    OFFSET(func_closure, PyFunctionObject, func_closure);
    OFFSET(func_doc, PyFunctionObject, func_doc);
    OFFSET(func_name, PyFunctionObject, func_name);
    OFFSET(func_dict, PyFunctionObject, func_dict);
    OFFSET(func_module, PyFunctionObject, func_module);
    OFFSET(func_annotations, PyFunctionObject, func_annotations);
    OFFSET(func_qualname, PyFunctionObject, func_qualname);
#if PY_VERSION_HEX >= 0x030C0000
    OFFSET(func_typeparams, PyFunctionObject, func_typeparams);
#else
    ABSENT(func_typeparams);
#endif
#if PY_VERSION_HEX >= 0x030E0000
    OFFSET(func_annotate, PyFunctionObject, func_annotate);
#else
    ABSENT(func_annotate);
#endif

    OFFSET(co_argcount, PyCodeObject, co_argcount);
    OFFSET(co_firstlineno, PyCodeObject, co_firstlineno);
    OFFSET(co_stacksize, PyCodeObject, co_stacksize);
    OFFSET(co_flags, PyCodeObject, co_flags);
    OFFSET(co_consts, PyCodeObject, co_consts);
    OFFSET(co_names, PyCodeObject, co_names);
    OFFSET(co_filename, PyCodeObject, co_filename);
    OFFSET(co_name, PyCodeObject, co_name);
    OFFSET(co_extra, PyCodeObject, co_extra);
#if PY_VERSION_HEX >= 0x030A0000
    OFFSET(co_linetable, PyCodeObject, co_linetable);
#else
    OFFSET(co_linetable, PyCodeObject, co_lnotab);
#endif
#if PY_VERSION_HEX >= 0x030B0000
    OFFSET(co_qualname, PyCodeObject, co_qualname);
    OFFSET(co_exceptiontable, PyCodeObject, co_exceptiontable);
    OFFSET(co_localsplusnames, PyCodeObject, co_localsplusnames);
    OFFSET(co_localspluskinds, PyCodeObject, co_localspluskinds);
    OFFSET(co_nlocalsplus, PyCodeObject, co_nlocalsplus);
    OFFSET(co_code_adaptive, PyCodeObject, co_code_adaptive);
    ABSENT(co_code);
    ABSENT(co_varnames);
    ABSENT(co_freevars);
    ABSENT(co_cellvars);
    ABSENT(co_nlocals);
    ABSENT(co_cell2arg);
    ABSENT(co_opcache);
    ABSENT(co_opcache_size);
    ABSENT(co_zombieframe);
#else
    ABSENT(co_qualname);
    ABSENT(co_exceptiontable);
    ABSENT(co_localsplusnames);
    ABSENT(co_localspluskinds);
    ABSENT(co_nlocalsplus);
    ABSENT(co_code_adaptive);
    OFFSET(co_code, PyCodeObject, co_code);
    OFFSET(co_varnames, PyCodeObject, co_varnames);
    OFFSET(co_freevars, PyCodeObject, co_freevars);
    OFFSET(co_cellvars, PyCodeObject, co_cellvars);
    OFFSET(co_nlocals, PyCodeObject, co_nlocals);
    OFFSET(co_cell2arg, PyCodeObject, co_cell2arg);
    OFFSET(co_opcache, PyCodeObject, co_opcache);
    OFFSET(co_opcache_size, PyCodeObject, co_opcache_size);
#if PY_VERSION_HEX < 0x030A0000
    OFFSET(co_zombieframe, PyCodeObject, co_zombieframe);
#else
    ABSENT(co_zombieframe);
#endif
#endif
#if PY_VERSION_HEX >= 0x030C0000
    OFFSET(co_cached, PyCodeObject, _co_cached);
#elif PY_VERSION_HEX >= 0x030B0000
    OFFSET(co_cached, PyCodeObject, _co_code);
#else
    ABSENT(co_cached);
#endif

#if PY_VERSION_HEX >= 0x030B0000
#if PY_VERSION_HEX >= 0x030D0000
    OFFSET(frame_code, _PyInterpreterFrame, f_executable);
    OFFSET(frame_instruction, _PyInterpreterFrame, instr_ptr);
    OFFSET(frame_func, _PyInterpreterFrame, f_funcobj);
#elif PY_VERSION_HEX >= 0x030C0000
    OFFSET(frame_code, _PyInterpreterFrame, f_code);
    OFFSET(frame_instruction, _PyInterpreterFrame, prev_instr);
    OFFSET(frame_func, _PyInterpreterFrame, f_funcobj);
#else
    OFFSET(frame_code, _PyInterpreterFrame, f_code);
    OFFSET(frame_instruction, _PyInterpreterFrame, prev_instr);
    OFFSET(frame_func, _PyInterpreterFrame, f_func);
#endif
    OFFSET(frame_previous, _PyInterpreterFrame, previous);
    OFFSET(frame_globals, _PyInterpreterFrame, f_globals);
    OFFSET(frame_builtins, _PyInterpreterFrame, f_builtins);
    OFFSET(frame_locals, _PyInterpreterFrame, f_locals);
    OFFSET(frame_object, _PyInterpreterFrame, frame_obj);
#if PY_VERSION_HEX >= 0x030E0000
    OFFSET(frame_stacktop, _PyInterpreterFrame, stackpointer);
#else
    OFFSET(frame_stacktop, _PyInterpreterFrame, stacktop);
#endif
    OFFSET(frame_localsplus, _PyInterpreterFrame, localsplus);
    OFFSET(frame_owner, _PyInterpreterFrame, owner);
    OFFSET(frame_object_frame, PyFrameObject, f_frame);
    OFFSET(frame_object_data, PyFrameObject, _f_frame_data);
    OFFSET(frame_object_back, PyFrameObject, f_back);
    OFFSET(frame_object_trace, PyFrameObject, f_trace);
    ABSENT(frame_valuestack);
    OFFSET(gen_frame, PyGenObject, gi_iframe);
    OFFSET(gen_frame_state, PyGenObject, gi_frame_state);
    NUMBER(gen_frame_cleared, FRAME_CLEARED);
#else
    OFFSET(frame_code, PyFrameObject, f_code);
    OFFSET(frame_instruction, PyFrameObject, f_lasti);
    ABSENT(frame_func);
    OFFSET(frame_previous, PyFrameObject, f_back);
    OFFSET(frame_globals, PyFrameObject, f_globals);
    OFFSET(frame_builtins, PyFrameObject, f_builtins);
    OFFSET(frame_locals, PyFrameObject, f_locals);
    ABSENT(frame_object);
#if PY_VERSION_HEX >= 0x030A0000
    OFFSET(frame_stacktop, PyFrameObject, f_stackdepth);
#else
    OFFSET(frame_stacktop, PyFrameObject, f_stacktop);
#endif
    OFFSET(frame_localsplus, PyFrameObject, f_localsplus);
    ABSENT(frame_owner);
    ABSENT(frame_object_frame);
    ABSENT(frame_object_data);
    OFFSET(frame_object_back, PyFrameObject, f_back);
    OFFSET(frame_object_trace, PyFrameObject, f_trace);
    OFFSET(frame_valuestack, PyFrameObject, f_valuestack);
    OFFSET(gen_frame, PyGenObject, gi_frame);
    ABSENT(gen_frame_state);
    ABSENT(gen_frame_cleared);
#endif
    OFFSET(gen_name, PyGenObject, gi_name);
    OFFSET(gen_qualname, PyGenObject, gi_qualname);
    OFFSET(gen_exc_value, PyGenObject, gi_exc_state.exc_value);
    OFFSET(gen_weakreflist, PyGenObject, gi_weakreflist);
#if PY_VERSION_HEX >= 0x030C0000
    ABSENT(gen_code);
#else
    OFFSET(gen_code, PyGenObject, gi_code);
#endif
    NUMBER(gen_size, sizeof(PyGenObject));
#if PY_VERSION_HEX >= 0x030B0000
    OFFSET(cr_origin, PyCoroObject, cr_origin_or_finalizer);
    OFFSET(ag_hooks, PyAsyncGenObject, ag_origin_or_finalizer);
#else
    OFFSET(cr_origin, PyCoroObject, cr_origin);
    OFFSET(ag_hooks, PyAsyncGenObject, ag_finalizer);
#endif

    OFFSET(exception_dict, PyBaseExceptionObject, dict);
    OFFSET(exception_args, PyBaseExceptionObject, args);
#if PY_VERSION_HEX >= 0x030B0000
    OFFSET(exception_notes, PyBaseExceptionObject, notes);
#else
    ABSENT(exception_notes);
#endif
    OFFSET(exception_traceback, PyBaseExceptionObject, traceback);
    OFFSET(exception_context, PyBaseExceptionObject, context);
    OFFSET(exception_cause, PyBaseExceptionObject, cause);

#if PY_VERSION_HEX >= 0x030A0000
    OFFSET(md_name, PyModuleObject, md_name);
#else
    /* In no header: Objects/moduleobject.c. */
    NUMBER(md_name, 48);
#endif

    OFFSET(str_state, PyASCIIObject, state);
    NUMBER(str_ascii_header, sizeof(PyASCIIObject));
    NUMBER(str_compact_header, sizeof(PyCompactUnicodeObject));
    NUMBER(str_header, sizeof(PyUnicodeObject));
    OFFSET(str_utf8, PyCompactUnicodeObject, utf8);
    OFFSET(str_utf8_length, PyCompactUnicodeObject, utf8_length);
    OFFSET(str_data, PyUnicodeObject, data);
#if PY_VERSION_HEX < 0x030C0000
    OFFSET(str_wstr, PyASCIIObject, wstr);
    OFFSET(str_wstr_length, PyCompactUnicodeObject, wstr_length);
#else
    ABSENT(str_wstr);
    ABSENT(str_wstr_length);
#endif
    NUMBER(long_digits, offsetof(struct _longobject,
#if PY_VERSION_HEX >= 0x030C0000
        long_value.ob_digit
#else
        ob_digit
#endif
    ));
    OFFSET(tuple_items, PyTupleObject, ob_item);
    OFFSET(bytes_data, PyBytesObject, ob_sval);

    /* Where `_Py_DebugOffsets`, at the start of `_PyRuntime`, tells these. */
    DEBUG(free_threaded, free_threaded);
    DEBUG(runtime_interpreters_head, runtime_state.interpreters_head);
    DEBUG(interp_size, interpreter_state.size);
    DEBUG(interp_next, interpreter_state.next);
    DEBUG(interp_threads_head, interpreter_state.threads_head);
    DEBUG(gc, interpreter_state.gc);
    DEBUG(gc_size, gc.size);
    DEBUG(gc_collecting, gc.collecting);
    DEBUG(gil, interpreter_state.ceval_gil);
    DEBUG(interp_modules, interpreter_state.imports_modules);
    DEBUG(interp_sysdict, interpreter_state.sysdict);
    DEBUG(interp_builtins, interpreter_state.builtins);
    DEBUG(tstate_next, thread_state.next);
    DEBUG(tstate_frame, thread_state.current_frame);
    DEBUG(tstate_thread_id, thread_state.thread_id);
    DEBUG(tstate_native_thread_id, thread_state.native_thread_id);
    DEBUG(frame_code, interpreter_frame.executable);
    DEBUG(frame_previous, interpreter_frame.previous);
    DEBUG(frame_localsplus, interpreter_frame.localsplus);
    DEBUG(frame_owner, interpreter_frame.owner);
    DEBUG(frame_instruction, interpreter_frame.instr_ptr);
    DEBUG(co_filename, code_object.filename);
    DEBUG(co_qualname, code_object.qualname);
    DEBUG(co_linetable, code_object.linetable);
    DEBUG(co_localsplusnames, code_object.localsplusnames);
    DEBUG(co_localspluskinds, code_object.localspluskinds);
    DEBUG(co_code_adaptive, code_object.co_code_adaptive);
    DEBUG(type_size, type_object.size);
    DEBUG(tuple_items, tuple_object.ob_item);
    DEBUG(bytes_data, bytes_object.ob_sval);
    DEBUG(long_digits, long_object.ob_digit);
    DEBUG(str_state, unicode_object.state);
    DEBUG(str_ascii_header, unicode_object.asciiobject_size);

    /* The same in all known versions: constants of layout/fixed.rs, which have names in capitals. */
    NUMBER(OB_TYPE, offsetof(PyObject, ob_type));
    NUMBER(OB_SIZE, offsetof(PyVarObject, ob_size));
    NUMBER(GC_HEAD, sizeof(PyGC_Head));
    NUMBER(TSTATE_INTERP, offsetof(PyThreadState, interp));
    NUMBER(TP_NAME, offsetof(PyTypeObject, tp_name));
    NUMBER(TP_BASICSIZE, offsetof(PyTypeObject, tp_basicsize));
    NUMBER(TP_ITEMSIZE, offsetof(PyTypeObject, tp_itemsize));
    NUMBER(TP_FLAGS, offsetof(PyTypeObject, tp_flags));
    NUMBER(TP_TRAVERSE, offsetof(PyTypeObject, tp_traverse));
    NUMBER(TP_BASE, offsetof(PyTypeObject, tp_base));
    NUMBER(TP_DICT, offsetof(PyTypeObject, tp_dict));
    NUMBER(TP_DICTOFFSET, offsetof(PyTypeObject, tp_dictoffset));
    NUMBER(TP_MRO, offsetof(PyTypeObject, tp_mro));
    NUMBER(LIST_ITEMS, offsetof(PyListObject, ob_item));
    NUMBER(LIST_ALLOCATED, offsetof(PyListObject, allocated));
    NUMBER(SET_USED, offsetof(PySetObject, used));
    NUMBER(SET_MASK, offsetof(PySetObject, mask));
    NUMBER(SET_TABLE, offsetof(PySetObject, table));
    NUMBER(SET_SMALLTABLE, offsetof(PySetObject, smalltable));
    NUMBER(DICT_USED, offsetof(PyDictObject, ma_used));
    NUMBER(DICT_KEYS, offsetof(PyDictObject, ma_keys));
    NUMBER(DICT_VALUES, offsetof(PyDictObject, ma_values));
    NUMBER(BYTEARRAY_ALLOC, offsetof(PyByteArrayObject, ob_alloc));
    NUMBER(BYTEARRAY_BYTES, offsetof(PyByteArrayObject, ob_bytes));
    NUMBER(BYTEARRAY_START, offsetof(PyByteArrayObject, ob_start));
    NUMBER(FLOAT_VALUE, offsetof(PyFloatObject, ob_fval));
    NUMBER(COMPLEX_VALUE, offsetof(PyComplexObject, cval));
    NUMBER(STR_LENGTH, offsetof(PyASCIIObject, length));
    NUMBER(CELL_REF, offsetof(PyCellObject, ob_ref));
    NUMBER(BUILTIN_METHOD, offsetof(PyCFunctionObject, m_ml));
    NUMBER(BUILTIN_MODULE, offsetof(PyCFunctionObject, m_module));
    NUMBER(DESCR_TYPE, offsetof(PyDescrObject, d_type));
    NUMBER(DESCR_NAME, offsetof(PyDescrObject, d_name));
    return 0;
}
