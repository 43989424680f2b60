//! What `thaw check` looks at: a snapshot's memory, and what a running sandbox has and sends.

pub mod inspect;
pub mod recorder;
pub mod secrets;
pub mod sent;
pub mod view;
