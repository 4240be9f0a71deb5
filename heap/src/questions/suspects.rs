//! Suspects: where what a process holds accumulates.
//!
//! From the root down, the largest child is followed as long as it has most of what its parent holds. Where that
//! ends, many share it: that is the point of accumulation. The root, `sys.modules` and the namespaces of modules are no
//! such points, because every process has them: from there on each large child is followed for itself, and the small
//! ones are taken together by type.

use crate::graph::csr::{Graph, Node};
use crate::graph::shortest::ShortestPaths;
use crate::objects::labels::{LabelledEdge, LabelledEdges};
use crate::ownership::analysis::Analysis;
use crate::questions::causes::{Causes, KnownCause};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// The largest child is followed when it has at least this share of what its parent retains.
const FOLLOW_SHARE: f64 = 0.7;

/// What a suspect consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accumulation {
    /// One object, or holder, that holds many.
    Point(Node),
    /// Objects of one type that nothing holds together.
    Type {
        /// Full name.
        name: String,
        /// Number of objects.
        count: u64,
        /// What holds them immediately, together with much else: the root, or a namespace that every process has.
        within: Node,
        /// The one that retains most.
        largest: Node,
    },
}

impl Accumulation {
    /// The node, or the largest of the objects.
    pub fn example(&self) -> Node {
        match self {
            Self::Point(node) => *node,
            Self::Type { largest, .. } => *largest,
        }
    }
}

/// A place where much is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Where.
    pub accumulation: Accumulation,
    /// Bytes that are held there.
    pub retained: u64,
    /// What is held immediately, by type, the largest first, three types at most.
    pub content: Vec<TypeShare>,
    /// What programs often hold memory with unawares, where that is what holds it.
    pub cause: Option<KnownCause>,
}

/// The objects of a type among others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeShare {
    /// Full name of the type.
    pub name: String,
    /// Number of objects.
    pub count: u64,
    /// Bytes that they retain.
    pub retained: u64,
}

/// Bytes that the code of a process takes, as types, functions and their namespaces, without being remarkable.
const ORDINARY_CODE: u64 = 16 << 20;

impl Analysis<'_> {
    /// The places where at least `least` bytes are held, the largest first.
    pub fn suspects(&self, least: u64, paths: &ShortestPaths) -> Vec<Suspect> {
        let least = least.max(1);
        let children = self.tree.children();
        let causes = Causes::new(self);
        let modules = self.everyday_holders();
        let mut suspects = Vec::new();
        let mut spread = vec![self.holders.root()];
        while let Some(holder) = spread.pop() {
            let mut small: HashMap<u32, (u64, u64, Node)> = HashMap::new();
            for &child in children.targets(holder) {
                if self.retained(child) < least {
                    self.add_small(&mut small, child);
                    continue;
                }
                let point = self.accumulation_point(&children, &modules, child);
                if modules.contains(&point) {
                    spread.push(point);
                } else {
                    suspects.push(self.suspect(&children, &causes, paths, point));
                }
            }
            for (count, retained, largest) in small.into_values() {
                let Some(class) = self.objects.type_of(largest) else { continue };
                // Every process has hundreds of types, functions and namespaces that nothing holds together.
                let least = if class.is_heap_type() {
                    least
                } else {
                    least.max(self.total() / 10).max(ORDINARY_CODE)
                };
                if retained < least {
                    continue;
                }
                let name = class.full_name();
                let content = self.content(children.targets(largest));
                let cause = causes.of_path(&paths.path(largest));
                let accumulation = Accumulation::Type { name, count, within: holder, largest };
                suspects.push(Suspect { accumulation, retained, content, cause });
            }
        }
        suspects.sort_by_key(|suspect| (Reverse(suspect.retained), suspect.accumulation.example()));
        suspects
    }

    /// What every process has: `sys.modules`, the interpreter's own dicts, modules and their namespaces.
    fn everyday_holders(&self) -> HashSet<Node> {
        let interpreter = self.roots.iter().filter(|held| held.kind == pyheap_format::RootKind::Interpreter);
        let mut everyday: HashSet<Node> = interpreter.map(|held| held.object).collect();
        for module in self.instances(|class| class.full_name() == "module") {
            everyday.insert(module);
            let namespace = LabelledEdges::new(self.dump, module).find(LabelledEdge::is_namespace);
            everyday.extend(namespace.map(|edge| edge.target));
        }
        everyday
    }

    fn add_small(&self, small: &mut HashMap<u32, (u64, u64, Node)>, child: Node) {
        let Some(class) = self.objects.type_number(child) else { return };
        let retained = self.retained(child);
        let sum = small.entry(class).or_insert((0, 0, child));
        sum.0 += 1;
        sum.1 += retained;
        if retained > self.retained(sum.2) {
            sum.2 = child;
        }
    }

    /// Where what `from` holds spreads out, if most of it does so in one place; `from` itself if it does not, as in a
    /// linked list, whose every node holds a little less than the one before.
    fn accumulation_point(&self, children: &Graph, everyday: &HashSet<Node>, from: Node) -> Node {
        let least = (self.retained(from) as f64 * FOLLOW_SHARE) as u64;
        let mut point = from;
        while !everyday.contains(&point) {
            let largest = children.targets(point).iter().copied().max_by_key(|&child| self.retained(child));
            let Some(next) = largest else { break };
            if (self.retained(next) as f64) < self.retained(point) as f64 * FOLLOW_SHARE {
                break;
            }
            if self.retained(next) < least {
                return from;
            }
            point = next;
        }
        point
    }

    fn suspect(&self, children: &Graph, causes: &Causes<'_>, paths: &ShortestPaths, point: Node) -> Suspect {
        Suspect {
            accumulation: Accumulation::Point(point),
            retained: self.retained(point),
            content: self.content(children.targets(point)),
            // The path tells more: a traceback that is the interpreter's last one has its own remedy.
            cause: causes.of_path(&paths.path(point)).or_else(|| causes.of_dominators(point)),
        }
    }

    /// Nodes by type, the three types of most retained bytes.
    fn content(&self, nodes: &[Node]) -> Vec<TypeShare> {
        let mut sums: HashMap<u32, (u64, u64)> = HashMap::new();
        for &node in nodes {
            if let Some(number) = self.objects.type_number(node) {
                let sum = sums.entry(number).or_default();
                sum.0 += 1;
                sum.1 += self.retained(node);
            }
        }
        let share = |(number, (count, retained)): (u32, (u64, u64))| {
            let name = self.objects.types().get(number as usize)?.full_name();
            Some(TypeShare { name, count, retained })
        };
        let mut content: Vec<TypeShare> = sums.into_iter().filter_map(share).collect();
        content.sort_by(|left, right| {
            (Reverse(left.retained), &left.name).cmp(&(Reverse(right.retained), &right.name))
        });
        content.truncate(3);
        content
    }
}
