//! Numbers addresses in the order in which they are first seen.

use alloc::vec::Vec;

/// A map from address to number, and back. Numbers count from 0.
///
/// An open-addressing table of numbers: four bytes a slot, and the addresses themselves stand only in the list by number, which is also the
/// queue of the breadth-first walk. About 14 to 20 bytes per address in all.
#[derive(Default)]
pub struct Index {
    /// Number + 1; 0 is a free slot.
    slots: Vec<u32>,
    addresses: Vec<u64>,
}

/// More addresses than numbers, or no memory for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Index {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many addresses are numbered.
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// The address of a number.
    pub fn address(&self, number: u32) -> Option<u64> {
        self.addresses.get(number as usize).copied()
    }

    /// The number of an address, if it has one.
    pub fn get(&self, address: u64) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = spread(address) & mask;
        loop {
            match *self.slots.get(slot)? {
                0 => return None,
                number if self.addresses.get(number as usize - 1) == Some(&address) => {
                    return Some(number - 1);
                }
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// The number of an address, a new one if need be, and whether it is new.
    pub fn intern(&mut self, address: u64) -> Result<(u32, bool), Full> {
        if self.addresses.len() * 10 >= self.slots.len() * 7 {
            self.grow()?;
        }
        let mask = self.slots.len() - 1;
        let mut slot = spread(address) & mask;
        while let Some(&number) = self.slots.get(slot) {
            if number == 0 {
                break;
            }
            if self.addresses.get(number as usize - 1) == Some(&address) {
                return Ok((number - 1, false));
            }
            slot = (slot + 1) & mask;
        }
        let number = u32::try_from(self.addresses.len() + 1).map_err(|_| Full)?;
        if self.addresses.len() == self.addresses.capacity() {
            self.addresses.try_reserve(self.addresses.len().max(1024)).map_err(|_| Full)?;
        }
        self.addresses.push(address);
        if let Some(free) = self.slots.get_mut(slot) {
            *free = number;
        }
        Ok((number - 1, true))
    }

    fn grow(&mut self) -> Result<(), Full> {
        let size = (self.slots.len() * 2).max(1024);
        let mut slots = Vec::new();
        slots.try_reserve_exact(size).map_err(|_| Full)?;
        slots.resize(size, 0);
        let mask = size - 1;
        for (number, &address) in (1..).zip(&self.addresses) {
            let mut slot = spread(address) & mask;
            while slots.get(slot).is_some_and(|&taken| taken != 0) {
                slot = (slot + 1) & mask;
            }
            if let Some(free) = slots.get_mut(slot) {
                *free = number;
            }
        }
        self.slots = slots;
        Ok(())
    }
}

/// Spreads addresses over the slots: objects are 16 bytes apart at least, and lie close together.
fn spread(address: u64) -> usize {
    ((address >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_up_and_stay() {
        let mut index = Index::new();
        let addresses: Vec<u64> = (0..100_000u64).map(|n| 0x7f00_0000_0000 + n * 48).collect();
        for (expected, &address) in addresses.iter().enumerate() {
            assert_eq!(index.get(address), None);
            assert_eq!(index.intern(address), Ok((expected as u32, true)));
        }
        for (expected, &address) in addresses.iter().enumerate() {
            assert_eq!(index.intern(address), Ok((expected as u32, false)));
            assert_eq!(index.get(address), Some(expected as u32));
            assert_eq!(index.address(expected as u32), Some(address));
        }
        assert_eq!(index.len(), addresses.len());
    }
}
