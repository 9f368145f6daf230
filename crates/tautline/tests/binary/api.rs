//! The HTTP interface for back ends and operators, asked as they ask it.

mod authorization;
mod connections;
mod description;
mod guide;
mod publications;
mod requests;
mod rooms;
