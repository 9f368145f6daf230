//! How many files, and so sockets, the system lets this process have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not for connections: listeners, logs, what the engine needs.
pub(crate) const RESERVED: usize = 256;

/// How many there may be at most.
pub(crate) fn most() -> usize {
    let most = getrlimit(Resource::Nofile).maximum;
    most.and_then(|files| usize::try_from(files).ok())
        .unwrap_or(usize::MAX)
}

/// Raises the limit as far as the system lets us.
pub(crate) fn raise() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum })?;
    Ok(())
}
