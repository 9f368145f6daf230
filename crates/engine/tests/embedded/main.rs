//! The embedded engine: the suite, and what is true only of a disk.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod at_disk;
mod clock_jumps;
mod copies;
mod damage;
mod disk;
mod keeping;
mod model;
mod reopening;
mod suite;
