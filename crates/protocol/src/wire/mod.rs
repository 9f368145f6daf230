//! Stub: messages as bytes.
