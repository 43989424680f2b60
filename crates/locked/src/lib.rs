//! A mutex that is never poisoned, as far as its users can see, and the condition that goes with it.
//!
//! A release aborts on a panic, so that nobody ever sees a lock whose holder has panicked. In a test build the panic is
//! passed on to whoever locks next: the test fails by it.

use std::sync::{Condvar, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

const NO_HOLDER_PANICS: &str = "a panic ends the process";

#[derive(Default)]
pub struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub const fn new(value: T) -> Self {
        Locked(Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect(NO_HOLDER_PANICS)
    }

    /// Locks it where nobody holds it now.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Poisoned(_)) => panic!("{NO_HOLDER_PANICS}"),
        }
    }
}

/// A change of a locked value that threads wait for.
#[derive(Default)]
pub struct Changed(Condvar);

impl Changed {
    pub const fn new() -> Self {
        Changed(Condvar::new())
    }

    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).expect(NO_HOLDER_PANICS)
    }

    /// Waits until `is_waiting` is false of the value.
    pub fn wait_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        is_waiting: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        self.0.wait_while(guard, is_waiting).expect(NO_HOLDER_PANICS)
    }

    /// Waits for a notice, for `limit` at most.
    pub fn wait_timeout<'a, T>(&self, guard: MutexGuard<'a, T>, limit: Duration) -> MutexGuard<'a, T> {
        self.0.wait_timeout(guard, limit).expect(NO_HOLDER_PANICS).0
    }

    /// Waits until `is_waiting` is false of the value, for `limit` at most.
    pub fn wait_timeout_while<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        limit: Duration,
        is_waiting: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        self.0.wait_timeout_while(guard, limit, is_waiting).expect(NO_HOLDER_PANICS).0
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_waited_for_until_it_comes_or_the_time_is_over() {
        let (number, changed) = (Locked::new(0), Changed::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                *number.lock() = 7;
                changed.notify_all();
            });
            let seen = changed.wait_timeout_while(number.lock(), Duration::from_secs(60), |number| *number == 0);
            assert_eq!(*seen, 7);
        });
        assert_eq!(*changed.wait_timeout_while(number.lock(), Duration::ZERO, |number| *number == 7), 7);
    }
}
