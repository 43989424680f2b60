//! Turns at a named thing: those who read, change and write the same file come one after the other.

use std::collections::HashSet;

use thaw_locked::{Changed, Locked};

#[derive(Default)]
pub struct Turns {
    taken: Locked<HashSet<String>>,
    changed: Changed,
}

/// Ends with its scope.
pub struct Turn<'a> {
    turns: &'a Turns,
    name: String,
}

impl Turns {
    /// Waits until nobody else has a turn at the thing of this name.
    pub fn take(&self, name: &str) -> Turn<'_> {
        let mut taken = self.changed.wait_while(self.taken.lock(), |taken| taken.contains(name));
        taken.insert(name.to_owned());
        Turn { turns: self, name: name.to_owned() }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.taken.lock().remove(&self.name);
        self.turns.changed.notify_all();
    }
}
