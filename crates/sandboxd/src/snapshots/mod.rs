//! Snapshots on this host, whichever engine took them: sealed manifests, chunks named by their content, and chunks that
//! are fetched from the far store when they are needed.

pub mod chunk_cache;
pub mod chunks;
pub mod cutter;
pub mod disk;
pub mod far;
pub mod inodes;
pub mod prepared;
pub mod room;
pub mod source;
pub mod store;
pub mod tmp_disks;
pub mod tmp_image;
pub mod turns;
pub mod zeros;
