//! Who means harm: each is ended or refused with the code for it, and others are served as before.

mod floods;
mod frames;
mod handshakes;
mod messages;
mod names;
