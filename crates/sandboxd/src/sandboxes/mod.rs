//! Sandboxes without their contents: namespaces, control groups and networks, made ahead in a pool, and listed by name
//! once they are used.

pub mod cgroup;
pub mod entry;
pub mod host;
pub mod maker;
pub mod network;
pub mod pool;
pub mod reach;
pub mod registry;
pub mod rules;
pub mod spec;
