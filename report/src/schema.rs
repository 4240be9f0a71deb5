//! JSON schemas of all reports.

use schemars::{Schema, schema_for};

/// The schema of every report, by the name of its question.
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("attributes", schema_for!(crate::Attributes)),
        ("cycles", schema_for!(crate::Cycles)),
        ("diff", schema_for!(crate::Diff)),
        ("dominators", schema_for!(crate::Dominators)),
        ("duplicates", schema_for!(crate::Duplicates)),
        ("flame", schema_for!(crate::Flame)),
        ("info", schema_for!(crate::Info)),
        ("leaks", schema_for!(crate::Leaks)),
        ("links", schema_for!(crate::Links)),
        ("merged-paths", schema_for!(crate::MergedPaths)),
        ("modules", schema_for!(crate::Modules)),
        ("native-refs", schema_for!(crate::NativeRefs)),
        ("object", schema_for!(crate::Object)),
        ("object-head", schema_for!(crate::ObjectHead)),
        ("object-text", schema_for!(crate::ObjectText)),
        ("paths", schema_for!(crate::Paths)),
        ("query", schema_for!(crate::Query)),
        ("retained-heap", schema_for!(crate::RetainedHeap)),
        ("summary", schema_for!(crate::Summary)),
        ("survivors", schema_for!(crate::Survivors)),
        ("threads", schema_for!(crate::Threads)),
        ("type-groups", schema_for!(crate::TypeGroups)),
        ("types", schema_for!(crate::Types)),
        ("verify", schema_for!(crate::Verify)),
        ("waste", schema_for!(crate::Waste)),
    ]
}
