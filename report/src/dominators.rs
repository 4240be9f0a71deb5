//! `dominators`: the dominator tree, cut where little is retained.

use crate::mention::Mention;
use crate::table::{Report, Section, columns};
use schemars::JsonSchema;
use serde::Serialize;

/// A node of the tree.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DominatorNode {
    /// Level below the first node.
    pub depth: u64,
    /// The object, where it is one.
    #[serde(flatten)]
    pub object: Option<Mention>,
    /// What it is, where it is no object: a thread, the root, garbage.
    pub holder: Option<String>,
    /// What its immediate dominator calls it, where that refers to it directly.
    pub name: Option<String>,
    /// Bytes.
    pub retained_size: u64,
    /// The retained size as a part of the heap, from 0 to 1.
    pub share: f64,
    /// The largest that it dominates is much smaller than itself: what it retains accumulates here.
    pub drop: bool,
    /// Nodes that it dominates immediately.
    pub children: u64,
    /// Those of them that are not in the list.
    pub children_left_out: u64,
}

columns! { DominatorNode {
    "depth" "depth" Count = |row| row.depth;
    "retained" "retained_size" Bytes = |row| row.retained_size;
    "share" "share" Ratio = |row| row.share;
    "drop" "drop" Flag = |row| row.drop;
    "children" "children" Count = |row| row.children;
    "address" "address" Address = |row| row.object.as_ref().and_then(|object| object.address.clone());
    "type" "type" Text = |row| row.object.as_ref().and_then(|object| object.type_name.clone());
    "name" "name" Text = |row| row.name.clone();
    "object" "repr" Text = |row| row.what();
} }

impl DominatorNode {
    fn what(&self) -> &str {
        match (&self.object, &self.holder) {
            (Some(object), _) => &object.repr,
            (None, Some(holder)) => holder,
            (None, None) => "",
        }
    }

    /// Indented by level, with its name.
    fn branch(&self) -> String {
        let name = self.name.as_ref().map_or_else(String::new, |name| format!("{name} = "));
        format!("{}{name}{}", "  ".repeat(self.depth as usize), self.what())
    }
}

/// A part of the dominator tree, in preorder.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Dominators {
    /// Allocated bytes of all objects.
    pub total_allocated_size: u64,
    /// Nodes of the cut tree.
    pub nodes_total: u64,
    /// Nodes left out before the first.
    pub offset: u64,
    /// The nodes.
    pub nodes: Vec<DominatorNode>,
}

/// A node as a person reads it.
struct Branch<'a>(&'a DominatorNode);

columns! { Branch<'_> {
    "retained" "retained_size" Bytes = |row| row.0.retained_size;
    "share" "share" Ratio = |row| row.0.share;
    "▼" "drop" Text = |row| if row.0.drop { "▼" } else { "" };
    "type" "type" Text = |row| row.0.object.as_ref().and_then(|object| object.type_name.clone());
    "object" "object" Text = |row| row.0.branch();
} }

impl Report for Dominators {
    fn sections(&self) -> Vec<Section> {
        let branches: Vec<Branch<'_>> = self.nodes.iter().map(Branch).collect();
        let line = "▼: accumulation point; what is retained here is spread over many small objects.";
        vec![Section::of_part(&branches, self.nodes_total, self.offset).under(vec![line.into()])]
    }

    fn csv(&self) -> Section {
        Section::of_part(&self.nodes, self.nodes_total, self.offset)
    }
}
