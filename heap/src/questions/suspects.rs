//! Suspects: where what a process holds accumulates.
//!
//! From the root down, the largest child is followed as long as it has most of what its parent holds. Where that
//! ends, many share it: that is the point of accumulation. The root, `sys.modules` and the namespaces of modules are no
//! such points, because every process has them: from there on each large child is followed for itself, and the small
//! ones are taken together by type.

use crate::graph::csr::{Graph, Node};
use crate::graph::shortest::ShortestPaths;
use crate::objects::labels::{LabelledEdge, LabelledEdges};
use crate::objects::representation::is_builtin_kind;
use crate::ownership::analysis::Analysis;
use crate::questions::causes::{Causes, KnownCause};
use pyheap_format::reader::Type;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// The largest child is followed when it has at least this share of what its parent retains.
const FOLLOW_SHARE: f64 = 0.7;

/// What a suspect consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accumulation {
    /// One object, or holder, that holds many.
    Point(Node),
    /// Threads that are all in the same functions.
    Threads {
        /// Number of threads.
        count: u64,
        /// What retains most of all that they hold.
        largest: Node,
    },
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
            Self::Threads { largest, .. } | Self::Type { largest, .. } => *largest,
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

/// So many threads in the same functions are told as one.
const ALIKE: usize = 3;

/// So many objects of one type that hold each other are a chain.
const LINKS: usize = 16;

/// Bytes that the code of a process takes, as types, functions and their namespaces, without being remarkable.
const ORDINARY_CODE: u64 = 16 << 20;

impl Analysis<'_> {
    /// The places where at least `least` bytes are held, the largest first.
    pub fn suspects(&self, least: u64, paths: &ShortestPaths) -> Vec<Suspect> {
        let least = least.max(1);
        let children = self.tree.children();
        let causes = Causes::new(self);
        let modules = self.everyday_holders();
        let types = self.objects.types();
        let (mut suspects, grouped) = self.alike_threads(&children, &causes, least);
        let mut spread = vec![self.holders.root()];
        while let Some(holder) = spread.pop() {
            let mut small: HashMap<u32, (u64, u64, Node)> = HashMap::new();
            for &child in children.targets(holder) {
                if grouped.contains(&child) {
                    continue;
                }
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
            for (name, (count, retained, largest)) in self.sums_by_name(small) {
                // Every process has hundreds of types, functions and namespaces that nothing holds together.
                let class = self.objects.type_number(largest).unwrap_or(u32::MAX);
                let is_code = is_builtin_kind(types, class, "type")
                    || !types.get(class as usize).is_some_and(Type::is_heap_type);
                let least = if !is_code { least } else { least.max(self.total() / 10).max(ORDINARY_CODE) };
                if retained < least {
                    continue;
                }
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

    /// Sums by the names of types: classes that are made again for each session share nothing else.
    fn sums_by_name(&self, sums: HashMap<u32, (u64, u64, Node)>) -> HashMap<String, (u64, u64, Node)> {
        let mut named: HashMap<String, (u64, u64, Node)> = HashMap::new();
        for (number, (count, retained, largest)) in sums {
            let Some(class) = self.objects.types().get(number as usize) else { continue };
            let sum = named.entry(class.full_name()).or_insert((0, 0, largest));
            sum.0 += count;
            sum.1 += retained;
            let rank = |node: Node| (self.retained(node), Reverse(node));
            if rank(largest) > rank(sum.2) {
                sum.2 = largest;
            }
        }
        named
    }

    /// Threads that are in the same functions, as one suspect each, and all threads that are told so.
    fn alike_threads(
        &self,
        children: &Graph,
        causes: &Causes<'_>,
        least: u64,
    ) -> (Vec<Suspect>, HashSet<Node>) {
        let mut groups: HashMap<Vec<&str>, Vec<Node>> = HashMap::new();
        for (number, thread) in (0..self.holders.threads()).zip(self.dump.threads()) {
            let functions: Vec<&str> = thread.frames.iter().map(|frame| &*frame.function).collect();
            groups.entry(functions).or_default().push(self.holders.thread(number));
        }
        let total = |threads: &[Node]| threads.iter().map(|&thread| self.retained(thread)).sum::<u64>();
        groups.retain(|functions, threads| {
            threads.len() >= ALIKE && !functions.is_empty() && total(threads) >= least
        });
        let suspect = |threads: &Vec<Node>| {
            let held: Vec<Node> =
                threads.iter().flat_map(|&thread| children.targets(thread)).copied().collect();
            let largest = held.iter().copied().max_by_key(|&node| (self.retained(node), Reverse(node)))?;
            Some(Suspect {
                accumulation: Accumulation::Threads { count: threads.len() as u64, largest },
                retained: total(threads),
                content: self.content(&held),
                cause: causes.of_dominators(largest),
            })
        };
        (groups.values().filter_map(suspect).collect(), groups.values().flatten().copied().collect())
    }

    /// Where what `from` holds spreads out, if most of it does so in one place; where a chain begins, such as a linked
    /// list, whose every node holds a little less than the one before; `from` itself if there is neither.
    fn accumulation_point(&self, children: &Graph, everyday: &HashSet<Node>, from: Node) -> Node {
        let least = (self.retained(from) as f64 * FOLLOW_SHARE) as u64;
        let mut followed = vec![from];
        let mut point = from;
        while !everyday.contains(&point) {
            let Some(next) = self.largest_child(children, point) else { break };
            if (self.retained(next) as f64) < self.retained(point) as f64 * FOLLOW_SHARE {
                break;
            }
            if self.retained(next) < least {
                return self.head(&followed).unwrap_or(from);
            }
            followed.push(next);
            point = next;
        }
        point
    }

    fn largest_child(&self, children: &Graph, of: Node) -> Option<Node> {
        children.targets(of).iter().copied().max_by_key(|&child| self.retained(child))
    }

    /// The first link of the chain that these nodes, each of which holds the next one, end with.
    fn head(&self, followed: &[Node]) -> Option<Node> {
        let class = |node: &Node| self.objects.type_number(*node);
        let mut counts: HashMap<u32, usize> = HashMap::new();
        let last = followed.iter().rev().take(LINKS);
        last.filter_map(class).for_each(|class| *counts.entry(class).or_default() += 1);
        let is_link = |node: &&Node| class(node).and_then(|class| counts.get(&class)) >= Some(&(LINKS / 4));
        followed.iter().find(is_link).copied()
    }

    /// The links of a chain from its head on: objects of one type, each of which holds the next one, perhaps through
    /// objects of other types between them.
    fn links(&self, children: &Graph, head: Node) -> Option<TypeShare> {
        let class = self.objects.type_of(head)?;
        let number = self.objects.type_number(head);
        let (mut count, mut between, mut at) = (1, 0, head);
        while between < LINKS / 4
            && let Some(next) = self.largest_child(children, at)
        {
            at = next;
            let is_link = self.objects.type_number(at) == number;
            (count, between) = if is_link { (count + 1, 0) } else { (count, between + 1) };
        }
        let share = || TypeShare { name: class.full_name(), count, retained: self.retained(head) };
        (count >= LINKS as u64).then(share)
    }

    fn suspect(&self, children: &Graph, causes: &Causes<'_>, paths: &ShortestPaths, point: Node) -> Suspect {
        Suspect {
            accumulation: Accumulation::Point(point),
            retained: self.retained(point),
            content: match self.links(children, point) {
                Some(links) => vec![links],
                None => self.content(children.targets(point)),
            },
            // The path tells more: a traceback that is the interpreter's last one has its own remedy.
            cause: causes.of_path(&paths.path(point)).or_else(|| causes.of_dominators(point)),
        }
    }

    /// Nodes by type, the three types of most retained bytes.
    fn content(&self, nodes: &[Node]) -> Vec<TypeShare> {
        let mut sums = HashMap::new();
        nodes.iter().for_each(|&node| self.add_small(&mut sums, node));
        let share = |(name, (count, retained, _))| TypeShare { name, count, retained };
        let mut content: Vec<TypeShare> = self.sums_by_name(sums).into_iter().map(share).collect();
        content.sort_by(|left, right| {
            (Reverse(left.retained), &left.name).cmp(&(Reverse(right.retained), &right.name))
        });
        content.truncate(3);
        content
    }
}
