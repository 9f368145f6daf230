//! What the system lets this process have.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not for connections: listeners, logs, what the engine needs.
pub(crate) const RESERVED: usize = 256;

/// How many files, and so sockets, it may have open at most.
pub(crate) fn files_max() -> usize {
    let most = getrlimit(Resource::Nofile).maximum;
    most.and_then(|files| usize::try_from(files).ok())
        .unwrap_or(usize::MAX)
}

/// As many files as the system lets us have. And no core file, which would have secrets and messages in it;
/// who needs one can still raise that limit of the running process, with `prlimit`.
pub(crate) fn settle() -> io::Result<()> {
    let files = getrlimit(Resource::Nofile).maximum;
    set(Resource::Nofile, files, files)?;
    set(Resource::Core, Some(0), getrlimit(Resource::Core).maximum)
}

fn set(resource: Resource, current: Option<u64>, maximum: Option<u64>) -> io::Result<()> {
    setrlimit(resource, Rlimit { current, maximum })?;
    Ok(())
}
