//! Which part of a list is wanted, and in which order.

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows to leave out before the first.
    pub offset: usize,
    /// Rows at most.
    pub limit: usize,
}

impl Page {
    /// The whole list.
    pub const ALL: Self = Self { offset: 0, limit: usize::MAX };

    /// The first rows, so many at most.
    pub const fn first(limit: usize) -> Self {
        Self { offset: 0, limit }
    }

    /// Rows from the start of the list to the end of the page.
    pub(crate) fn end(self) -> usize {
        self.offset.saturating_add(self.limit)
    }

    /// The rows of the page.
    pub(crate) fn of<T>(self, rows: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        rows.into_iter().skip(self.offset).take(self.limit)
    }

    pub(crate) fn start(self) -> u64 {
        self.offset as u64
    }
}

/// What rows of groups are sorted by, the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Bytes that would be freed if the whole group went.
    Retained,
    /// Bytes kept from the allocator.
    Allocated,
    /// What `sys.getsizeof` answers, bytes.
    Shallow,
    /// Number of objects.
    Count,
    /// Name, from A to Z.
    Name,
}
