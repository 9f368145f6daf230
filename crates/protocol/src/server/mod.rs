//! Stub: the session.
