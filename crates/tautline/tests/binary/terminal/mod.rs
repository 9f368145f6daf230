//! The commands that speak to a server from a terminal or a script.

mod asking;
mod exits;
mod following;
mod publishing;
mod screen;
