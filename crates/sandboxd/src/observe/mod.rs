//! The view that `thaw check` has: of a snapshot's memory, and of what a running sandbox has and sends.

pub mod inspect;
pub mod recorder;
pub mod secrets;
pub mod sent;
pub mod view;
