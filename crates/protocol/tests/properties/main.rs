//! What holds for every text and every sequence of events.

#[cfg(test)]
mod session;
#[cfg(test)]
mod v2;
#[cfg(test)]
mod v2_client;
#[cfg(test)]
mod v2_session;
#[cfg(test)]
mod wire;
