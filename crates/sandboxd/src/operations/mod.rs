//! The operations of the protocol that need more than one part of sandboxd. Each names the parts that it works on.

pub mod create;
pub mod prepare;
pub mod restore;
pub mod take;
pub mod working_sets;
