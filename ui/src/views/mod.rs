//! The views: each asks the engine what it shows, and is a file of its own.

pub(crate) mod about;
pub(crate) mod compare;
pub(crate) mod cycles;
pub(crate) mod flame;
pub(crate) mod holders;
pub(crate) mod modules;
pub(crate) mod native;
pub(crate) mod object;
pub(crate) mod objects;
pub(crate) mod overview;
pub(crate) mod search;
pub(crate) mod strings;
pub(crate) mod text;
pub(crate) mod threads;
pub(crate) mod type_paths;
pub(crate) mod types;
pub(crate) mod waste;
