//! Objects of System V's inter-process communication. They belong to the sandbox, not to a process: a clone would go on
//! with their numbers and without them.

use std::fs;
use std::io;

const KINDS: [(&str, &str); 3] = [
    ("shm", "a shared memory segment of System V (shmget)"),
    ("sem", "a semaphore set of System V (semget)"),
    ("msg", "a message queue of System V (msgget)"),
];

/// Says which one the function has made; none: there is none. For a process inside the sandbox.
pub fn find_objects() -> io::Result<Option<String>> {
    for (name, what) in KINDS {
        match fs::read_to_string(format!("/proc/sysvipc/{name}")) {
            Ok(table) if has_rows(&table) => return Ok(Some(sentence(what))),
            Ok(_) => {}
            // A kernel without them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// `table`: a line of heads, then one for each object.
fn has_rows(table: &str) -> bool {
    table.lines().skip(1).any(|line| !line.trim().is_empty())
}

fn sentence(what: &str) -> String {
    format!(
        "The execution environment could not be saved: it holds {what}. Remove it before the end of Init and make it \
         after the restore, or use memory, locks and queues that threads share."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_heads_has_no_rows() {
        let heads = "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n";
        assert!(!has_rows(heads));
        assert!(has_rows(&format!(
            "{heads}        78          0   600          1     0     0     0     0          0 1\n"
        )));
        assert!(!has_rows(""));
    }
}
