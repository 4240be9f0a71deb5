//! What an interpreter tells of its own layout: `_Py_DebugOffsets`, at the start of `_PyRuntime`, from 3.13 on.
//!
//! Fields of the interpreter's state move between releases of one version. The table is the target's memory like any other: it is believed
//! only where it fits the layout that is known of the version. What has moved and is not in it is found by its structure.

use crate::interpreter::Unsupported;
use crate::layout::{ABSENT, Layout, Offsets, fixed};
use crate::memory::{Memory, Unreadable};

/// `_Py_Debug_Cookie`.
const COOKIE: &[u8; 8] = b"xdebugpy";

/// A `PyInterpreterState` of more bytes is none.
const MOST_STATE: u64 = 16 << 20;

/// Adapts a version's layout to the interpreter whose `_PyRuntime` is at `runtime`.
pub(crate) fn adopt(
    memory: &dyn Memory,
    runtime: u64,
    python: u32,
    layout: &mut Layout,
) -> Result<(), Unsupported> {
    let offsets = &mut layout.offsets;
    if offsets.debug_free_threaded == ABSENT {
        return Ok(());
    }
    let mut cookie = [0; COOKIE.len()];
    memory.read(runtime, &mut cookie)?;
    if &cookie != COOKIE {
        return Err(Unsupported::Inconsistent { what: "the debug offsets have no cookie" });
    }
    if memory.word(runtime + 8)? != u64::from(python) {
        return Err(Unsupported::Inconsistent { what: "the debug offsets are of another version" });
    }
    let told = |place: u32| memory.word(runtime + u64::from(place));
    if told(offsets.debug_free_threaded)? != 0 {
        return Err(Unsupported::Build { kind: "free-threaded" });
    }
    for (place, known) in constant(offsets) {
        if told(place)? != u64::from(known) {
            return Err(Unsupported::Inconsistent {
                what: "the debug offsets disagree with the known layout",
            });
        }
    }
    let size = told(offsets.debug_interp_size)?;
    let collector = told(offsets.debug_gc_size)?;
    let before = offsets.interp_modules;
    for (place, field) in movable(offsets) {
        let offset = told(place)?;
        *field = u32::try_from(offset)
            .ok()
            .filter(|_| size <= MOST_STATE && offset <= size && offset.is_multiple_of(4))
            .ok_or(Unsupported::Inconsistent { what: "the debug offsets point beyond their structures" })?;
    }
    if collector < u64::from(offsets.gc_permanent) + 16 || u64::from(offsets.gc_collecting) >= collector {
        return Err(Unsupported::Inconsistent { what: "the debug offsets disagree about the collector" });
    }
    // What stands behind the collector's state moves with it.
    let moved = offsets.interp_modules.wrapping_sub(before);
    for field in behind_collector(offsets) {
        *field = field.wrapping_add(moved);
    }
    Ok(())
}

/// Places in the table, and what must stand there: structures of objects are the same in all releases of a version.
fn constant(offsets: &Offsets) -> [(u32, u32); 17] {
    [
        (offsets.debug_frame_code, offsets.frame_code),
        (offsets.debug_frame_previous, offsets.frame_previous),
        (offsets.debug_frame_localsplus, offsets.frame_localsplus),
        (offsets.debug_frame_owner, offsets.frame_owner),
        (offsets.debug_frame_instruction, offsets.frame_instruction),
        (offsets.debug_co_filename, offsets.co_filename),
        (offsets.debug_co_qualname, offsets.co_qualname),
        (offsets.debug_co_linetable, offsets.co_linetable),
        (offsets.debug_co_localsplusnames, offsets.co_localsplusnames),
        (offsets.debug_co_localspluskinds, offsets.co_localspluskinds),
        (offsets.debug_co_code_adaptive, offsets.co_code_adaptive),
        (offsets.debug_type_size, offsets.type_size),
        (offsets.debug_tuple_items, offsets.tuple_items),
        (offsets.debug_bytes_data, offsets.bytes_data),
        (offsets.debug_long_digits, offsets.long_digits),
        (offsets.debug_str_state, offsets.str_state),
        (offsets.debug_str_ascii_header, offsets.str_ascii_header),
    ]
}

/// Places in the table, and the fields that take what stands there.
fn movable(offsets: &mut Offsets) -> [(u32, &mut u32); 14] {
    [
        (offsets.debug_runtime_interpreters_head, &mut offsets.runtime_interpreters_head),
        (offsets.debug_interp_size, &mut offsets.interp_size),
        (offsets.debug_interp_next, &mut offsets.interp_next),
        (offsets.debug_interp_threads_head, &mut offsets.interp_threads_head),
        (offsets.debug_gc, &mut offsets.gc),
        (offsets.debug_gc_collecting, &mut offsets.gc_collecting),
        (offsets.debug_gil, &mut offsets.gil),
        (offsets.debug_interp_modules, &mut offsets.interp_modules),
        (offsets.debug_interp_sysdict, &mut offsets.interp_sysdict),
        (offsets.debug_interp_builtins, &mut offsets.interp_builtins),
        (offsets.debug_tstate_next, &mut offsets.tstate_next),
        (offsets.debug_tstate_frame, &mut offsets.tstate_frame),
        (offsets.debug_tstate_thread_id, &mut offsets.tstate_thread_id),
        (offsets.debug_tstate_native_thread_id, &mut offsets.tstate_native_thread_id),
    ]
}

/// Fields of the interpreter's state that the table does not tell.
fn behind_collector(offsets: &mut Offsets) -> [&mut u32; 10] {
    [
        &mut offsets.interp_modules_by_index,
        &mut offsets.interp_importlib,
        &mut offsets.interp_import_func,
        &mut offsets.interp_dict,
        &mut offsets.interp_codec_search_path,
        &mut offsets.interp_codec_search_cache,
        &mut offsets.interp_codec_error_registry,
        &mut offsets.interp_static_types,
        &mut offsets.interp_extension_types,
        &mut offsets.interp_interned,
    ]
}

/// Finds the tables of static types in the state of the main interpreter: an entry begins with the address of its type, and the type knows
/// which entry it has.
pub(crate) fn find_static_types(
    memory: &dyn Memory,
    main: u64,
    offsets: &mut Offsets,
) -> Result<(), Unsupported> {
    let modules = memory.word(main + u64::from(offsets.interp_modules))?;
    if offsets.debug_free_threaded == ABSENT || modules == 0 {
        return Ok(());
    }
    let dict = memory.word(modules + fixed::OB_TYPE)?;
    let class = memory.word(dict + fixed::OB_TYPE)?;
    let entry = |of: u64| -> Result<u64, Unreadable> {
        let number = memory.word(of + u64::from(offsets.tp_subclasses))?;
        Ok(number.wrapping_sub(1).wrapping_mul(u64::from(offsets.static_type_state_size)))
    };
    let entries = [(dict, entry(dict)?), (class, entry(class)?)];
    let is_table = |offset: u32| {
        let table = main + u64::from(offset);
        entries.iter().all(|(of, entry)| memory.word(table.wrapping_add(*entry)) == Ok(*of))
    };
    let known = offsets.interp_static_types;
    if is_table(known) {
        return Ok(());
    }
    let places = (offsets.gc..offsets.interp_size).step_by(8);
    let found = places.into_iter().find(|offset| is_table(*offset)).ok_or(Unsupported::Inconsistent {
        what: "the interpreter has no table of static types that names them",
    })?;
    offsets.interp_static_types = found;
    // What stands behind them moves with them.
    for field in [&mut offsets.interp_extension_types, &mut offsets.interp_interned] {
        *field = field.wrapping_add(found.wrapping_sub(known));
    }
    Ok(())
}
