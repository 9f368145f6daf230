//! Rooms in this process: the reference that other engines are measured by.
