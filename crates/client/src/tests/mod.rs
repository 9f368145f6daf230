//! The link against servers that are not ours.
