//! Made-up graphs, numbered breadth first as a walk numbers them.

use clap::ValueEnum;

/// What a heap looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// Mostly a forest of records with references among them and to hubs, then a chain and a dense part.
    Mixed,
    /// One doubly linked list.
    Chain,
    /// One object that all others refer to, and one that refers to all of them.
    Hub,
    /// Every object refers to sixteen others, anywhere.
    Dense,
}

/// What an object is: decides its type and sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Instance,
    List,
    Tuple,
    Text,
}

/// A graph that is made anew each time it is gone through, always the same.
#[derive(Clone, Copy, Debug)]
pub struct Generator {
    shape: Shape,
    objects: u32,
}

/// Objects that everything may refer to in the mixed shape.
const HUBS: u32 = 64;

/// Children of the objects of a record and its parts, in turn: on average one, so that levels stay equally wide.
const CHILDREN: [u32; 8] = [5, 0, 1, 0, 2, 0, 0, 0];

impl Generator {
    /// A graph of so many objects. Object 0 refers, directly or not, to all others.
    pub fn new(shape: Shape, objects: u32) -> Self {
        Self { shape, objects }
    }

    /// Goes through the objects in their order; `visit` gets each object's number, role and referents.
    pub fn for_each<E>(self, visit: impl FnMut(u32, Role, &[u32]) -> Result<(), E>) -> Result<(), E> {
        match self.shape {
            Shape::Mixed => self.mixed(visit),
            Shape::Chain => self.chain(visit),
            Shape::Hub => self.hub(visit),
            Shape::Dense => self.dense(visit),
        }
    }

    fn mixed<E>(self, mut visit: impl FnMut(u32, Role, &[u32]) -> Result<(), E>) -> Result<(), E> {
        let mut random = Random(1);
        let chain = self.objects / 10 * 8;
        let dense = self.objects / 10 * 9;
        let width = (chain / 256).clamp(1, 100_000);
        // Object 0 is a list of hubs, records, the chain's first and the dense part's first object.
        let mut row: Vec<u32> = (1..(1 + HUBS + width).min(chain)).collect();
        let mut next = 1 + row.len() as u32;
        row.extend([chain, dense].iter().filter(|&&part| part > 0 && part < self.objects));
        if self.objects > 0 {
            visit(0, Role::List, &row)?;
        }
        for object in 1..self.objects {
            row.clear();
            let role = if object >= dense {
                row.extend((object + 1 < self.objects).then_some(object + 1));
                row.extend((0..4).map(|_| random.between(dense, self.objects)));
                Role::Tuple
            } else if object >= chain {
                row.extend((object > chain).then(|| object - 1));
                row.extend((object + 1 < dense).then_some(object + 1));
                Role::List
            } else if object <= HUBS {
                Role::Text
            } else {
                let children = CHILDREN[object as usize % CHILDREN.len()];
                let end = (next + children).min(chain);
                row.extend(next..end);
                next = end;
                if children > 0 {
                    row.push(1 + random.below(HUBS));
                    row.push(random.between(object.saturating_sub(4096).max(1), (object + 4096).min(chain)));
                    if random.below(8) == 0 {
                        row.push(random.between(1, chain));
                    }
                }
                match children {
                    5 => Role::Instance,
                    2 => Role::List,
                    1 => Role::Tuple,
                    _ => Role::Text,
                }
            };
            visit(object, role, &row)?;
        }
        Ok(())
    }

    fn chain<E>(self, mut visit: impl FnMut(u32, Role, &[u32]) -> Result<(), E>) -> Result<(), E> {
        for object in 0..self.objects {
            let before = object.checked_sub(1).filter(|&before| before > 0);
            let after = Some(object + 1).filter(|&after| after < self.objects);
            let row: Vec<u32> = before.into_iter().chain(after).collect();
            visit(object, Role::List, &row)?;
        }
        Ok(())
    }

    fn hub<E>(self, mut visit: impl FnMut(u32, Role, &[u32]) -> Result<(), E>) -> Result<(), E> {
        if self.objects > 0 {
            visit(0, Role::List, &(1..self.objects).collect::<Vec<_>>())?;
        }
        for object in 1..self.objects {
            let hub = self.objects - 1;
            let row = if object == hub { vec![] } else { vec![hub] };
            visit(object, Role::Instance, &row)?;
        }
        Ok(())
    }

    fn dense<E>(self, mut visit: impl FnMut(u32, Role, &[u32]) -> Result<(), E>) -> Result<(), E> {
        let mut random = Random(2);
        for object in 0..self.objects {
            let mut row: Vec<u32> = (0..16).map(|_| random.below(self.objects)).collect();
            row.extend(Some(object + 1).filter(|&after| after < self.objects));
            visit(object, Role::Tuple, &row)?;
        }
        Ok(())
    }
}

/// SplitMix64: numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(limit)) >> 64) as u32
    }

    fn between(&mut self, start: u32, end: u32) -> u32 {
        start + self.below(end.saturating_sub(start).max(1))
    }
}
