//! What each question about a heap answers: one value per question, as a program gets it (JSON) and as a person reads
//! it.
//!
//! A report knows its columns, their units and its sentences; it computes nothing of a heap and prints nothing. Every
//! list says how many rows there are in all and which of them it holds. The JSON form is described by [`schemas`];
//! its fields are only ever added.
#![forbid(unsafe_code)]

mod answer;
mod cycles;
mod diff;
mod dominators;
mod duplicates;
mod flame;
mod groups;
mod info;
mod leaks;
mod mention;
mod native_refs;
mod object;
mod parts;
mod paths;
mod query;
mod retained_heap;
mod schema;
mod summary;
mod table;
mod threads;
mod type_groups;
pub mod units;
mod verify;
mod waste;

pub use pyheap_format::text::{is_active, printable};

pub use cycles::{Cycle, Cycles};
pub use diff::{Change, Diff, Survivor, Survivors};
pub use dominators::{DominatorNode, Dominators};
pub use duplicates::{Duplicate, Duplicates};
pub use flame::{Block, BlockKind, Flame};
pub use groups::{ModuleRow, Modules, TypeRow, Types};
pub use info::Info;
pub use leaks::{Cause, CauseRow, Leaks, Step, Suspect, SuspectKind};
pub use mention::{Mention, TypeCount, TypeSize};
pub use native_refs::{NativeRefs, NativeType};
pub use object::{Attribute, Dominator, Instance, Instances, Object, Referent, Referrer};
pub use parts::{AttributeSize, Attributes, HeldStep, Link, LinkKind, Links, ObjectHead, ObjectText};
pub use paths::{MergedPath, MergedPaths, Path, Paths};
pub use query::{Match, Query};
pub use retained_heap::{LargeObject, RetainedHeap, ThreadSize};
pub use schema::schemas;
pub use summary::Summary;
pub use table::{Column, Report, Row, Section, Unit, Value};
pub use threads::{Frame, Local, Thread, Threads};
pub use type_groups::{TypeGroup, TypeGroups};
pub use verify::{Check, Verify};
pub use waste::{Waste, WasteRow};
