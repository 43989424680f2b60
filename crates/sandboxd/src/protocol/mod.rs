//! The protocol with the server: docs/formats/sandboxd-protocol.md.

pub mod messages;
pub mod server;
