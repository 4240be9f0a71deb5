//! CPython 3.13, GIL build, 64-bit.

use super::offsets::v3_13::OFFSETS;
use super::{
    Code, CodeCache, CountedHead, DebugOffsets, DictKeys, Features, Frames, InstanceValues, Instruction,
    IntSizeof, IntTag, Layout, LineTable, PendingCalls, ReferenceCount, Scope, StackDepth, StructSequence,
    flag,
};

pub(super) const LAYOUT: Layout = Layout {
    offsets: OFFSETS,
    features: Features {
        gil: Scope::Interpreter,
        collector: Scope::Interpreter,
        pending: Scope::Interpreter,
        pending_calls: PendingCalls::Counted,
        debug_offsets: Some(DebugOffsets { free_threaded: 16, interpreters_head: 40, gc: 80 }),
        // A patch of Debian's 3.13 moves the generations.
        patched_generations: Some(20),
        reference_count: ReferenceCount::Immortal,
        instance_values: InstanceValues::Inline,
        prefix_flags: flag::MANAGED_DICT | flag::MANAGED_WEAKREF,
        counted_head: CountedHead::Object,
        dict_keys: DictKeys::Kind,
        int_tag: IntTag::Tag,
        int_sizeof: IntSizeof::BasicSize,
        struct_sequence: StructSequence::All,
        code: Code::Inline,
        code_cache: CodeCache::Structure,
        line_table: LineTable::Locations,
        frames: Frames::InterpreterFrame,
        stack_depth: StackDepth::CountWithVariables,
        instruction: Instruction::Address,
        pool_size: 16 * 1024,
        runtime_objects: 64 * 1024,
    },
};
