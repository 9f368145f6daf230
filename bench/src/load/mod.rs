//! The load client: one thread, one epoll loop, the same for every system. It counts frames and
//! does little else.

pub(crate) mod churn;
pub(crate) mod durable;
pub(crate) mod echo;
pub(crate) mod fanout;
pub(crate) mod frame;
pub(crate) mod idle;
pub(crate) mod latency;
pub(crate) mod link;
pub(crate) mod pack;
pub(crate) mod pipe;
pub(crate) mod recovery;
pub(crate) mod rows;
pub(crate) mod swarm;
pub(crate) mod typed;
pub(crate) mod wire;
