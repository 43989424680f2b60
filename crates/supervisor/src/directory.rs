//! What is in a directory of the function. The server decides what of it is to be started.

use std::fs;

use serde_json::{json, Value};

use crate::processes::errno_name;

/// Entries that are told; what is beyond them is only counted.
const ENTRIES_MAX: usize = 256;

/// Lists a directory by name, in the order of the bytes. Nothing of it is trusted.
pub fn list(path: &str) -> Value {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return json!({ "error": errno_name(error.raw_os_error().unwrap_or(0)) }),
    };
    let mut found: Vec<(String, bool)> = entries
        .filter_map(Result::ok)
        .map(|entry| {
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            (entry.file_name().to_string_lossy().into_owned(), is_directory)
        })
        .collect();
    found.sort();
    let count = found.len();
    let told: Vec<Value> = found
        .into_iter()
        .take(ENTRIES_MAX)
        .map(|(name, is_directory)| json!({ "name": name, "isDirectory": is_directory }))
        .collect();
    json!({ "entries": told, "count": count })
}
