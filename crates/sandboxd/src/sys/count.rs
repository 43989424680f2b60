//! How many there are of something: who ends it all waits for the last one.

use std::sync::Arc;
use std::time::Duration;

use thaw_locked::{Changed, Locked};

#[derive(Default)]
pub struct Count {
    number: Locked<usize>,
    changed: Changed,
}

/// One of them, until it is dropped.
pub struct Counted(Arc<Count>);

impl Count {
    pub fn one_more(self: &Arc<Self>) -> Counted {
        *self.number.lock() += 1;
        Counted(Arc::clone(self))
    }

    /// Waits for the last one; false where some are left after that time.
    pub fn is_none_within(&self, limit: Duration) -> bool {
        let number = self.number.lock();
        *self.changed.wait_timeout_while(number, limit, |number| *number > 0) == 0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.number.lock() -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_is_waited_for() {
        let count = Arc::new(Count::default());
        assert!(count.is_none_within(Duration::ZERO));
        let (first, second) = (count.one_more(), count.one_more());
        drop(first);
        assert!(!count.is_none_within(Duration::ZERO));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| count.is_none_within(Duration::from_secs(60)));
            drop(second);
            assert!(waiting.join().expect("does not panic"));
        });
    }
}
