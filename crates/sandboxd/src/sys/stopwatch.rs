//! How long the steps of an operation took.

use std::time::Instant;

/// Milliseconds by step, in order of work.
pub type Phases = Vec<(&'static str, f64)>;

pub struct Stopwatch {
    last: Instant,
    pub phases: Phases,
}

impl Stopwatch {
    pub fn start() -> Self {
        Stopwatch { last: Instant::now(), phases: Phases::new() }
    }

    /// Ends the step `name`, which began with the last one's end.
    pub fn lap(&mut self, name: &'static str) {
        let now = Instant::now();
        self.phases.push((name, (now - self.last).as_secs_f64() * 1e3));
        self.last = now;
    }
}
