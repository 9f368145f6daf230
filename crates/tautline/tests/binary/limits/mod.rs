//! Every limit, each set to little here: what is answered to who goes beyond it, and where that is counted.

mod addresses;
mod memory;
mod places;
mod proxies;
mod rates;
mod rooms;
mod sizes;
