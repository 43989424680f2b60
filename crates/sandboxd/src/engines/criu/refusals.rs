//! Why CRIU could not save a function, in words for the one who wrote it: what it is, where, and what to do.
//!
//! CRIU's log has the reason first, then (patches/criu) the descriptor that it was, then what failed because of it:
//!
//! ```text
//!  Error (criu/files-ext.c:94): Can't dump file 3 of that type [600] (anon anon_inode:[landlock-ruleset])
//!  Error (criu/files.c:663): Can't save descriptor 3 of pid 1002: anon_inode:[landlock-ruleset]
//!  Error (criu/cr-dump.c:1545): Dump files (pid: 1002) failed with -1
//! ```

/// A name of the function's, in a sentence.
const SHOWN_CHARACTERS_MAX: usize = 200;
/// A code above it is that of a signal.
const SIGNAL_BASE: i32 = 128;

struct Refusal {
    /// Part of CRIU's line.
    words: &'static str,
    what: &'static str,
    remedy: &'static str,
}

const fn refusal(words: &'static str, what: &'static str, remedy: &'static str) -> Refusal {
    Refusal { words, what, remedy }
}

const CLOSE: &str =
    "Close it before the end of Init, or in a before-snapshot hook, and open it again after the restore.";
const ACCEPT: &str = "Accept or close its connections before the end of Init.";
const END: &str = "Let it end, or wait for it, before the end of Init.";

/// Earlier ones hold where several fit a line.
const REFUSALS: [Refusal; 41] = [
    refusal("anon_inode:seccomp notify", "the listener of a seccomp filter", CLOSE),
    refusal("anon_inode:[landlock-ruleset]", "a ruleset of Landlock", CLOSE),
    refusal("Can't dump file", "an open file of a kind that has no saved form", CLOSE),
    refusal(
        "The socket has data to read",
        "a netlink socket with messages that were not read",
        "Read them, or close it, before the end of Init.",
    ),
    refusal("The netlink socket", "a netlink socket with groups that can't be saved", CLOSE),
    refusal(
        "SysVIPC shmem map",
        "a shared memory segment of System V (shmat)",
        "Use memory that is shared by mmap or memfd_create, or attach it after the restore.",
    ),
    refusal(
        "Can't lookup mount=",
        "an open file that lies on no file system of the sandbox, as a POSIX message queue does",
        CLOSE,
    ),
    refusal(
        "Open files on overmounted mounts",
        "an open file below a place where something else was mounted since",
        CLOSE,
    ),
    refusal("is not supported yet; mount=", "an open file below a place where something else was mounted since", CLOSE),
    refusal("PIDFD_THREAD", "a descriptor of a single thread (pidfd_open with PIDFD_THREAD)", CLOSE),
    refusal("packetized mode for pipes", "a pipe that keeps packets apart (O_DIRECT)", CLOSE),
    refusal(
        "corked dgram socket",
        "a UDP socket with corked data (UDP_CORK, MSG_MORE)",
        "Send the data before the end of Init.",
    ),
    refusal("Unsupported proto", "a socket of a protocol that has no saved form", CLOSE),
    refusal("Unsupported socket family", "a socket of a family that has no saved form", CLOSE),
    refusal("Unknown pair family", "a socket of a family that has no saved form", CLOSE),
    refusal("Unsupported type", "a Unix socket of a type that has no saved form", CLOSE),
    refusal("Unknown inet socket", "an internet socket in a state that can't be saved", CLOSE),
    refusal("in-flight socket", "a Unix socket with a connection that was not accepted", ACCEPT),
    refusal("In-flight connection", "a listening socket with a connection that was not accepted", ACCEPT),
    refusal("with unreachable peer", "a Unix socket whose other end can't be reached", CLOSE),
    refusal("External socket is used", "a Unix socket whose other end no process of the function holds", CLOSE),
    refusal("half of stream unix", "a Unix socket whose other end no process of the function holds", CLOSE),
    refusal("name-less external socket", "a Unix socket whose other end no process of the function holds", CLOSE),
    refusal(
        "Control messages in queue",
        "a Unix socket with control messages that were not read, as credentials",
        "Read them before the end of Init.",
    ),
    refusal(
        "Can't find the path of watch",
        "an inotify watch on a file that has no path any more, or lies in /proc",
        "Remove the watch before the end of Init, or watch the directory that the file lies in.",
    ),
    refusal(
        "Dump eventpoll",
        "an epoll set with a descriptor that its process has closed and another one still holds",
        "Take it out of the set (EPOLL_CTL_DEL) before it is closed.",
    ),
    refusal(
        "Escaped/closed fd descriptor",
        "an epoll set with a descriptor that its process has closed",
        "Take it out of the set (EPOLL_CTL_DEL) before it is closed.",
    ),
    refusal("Zombies with threads", "a process whose main thread has ended while others go on", END),
    refusal("Zombie thread", "a thread that has ended and was not waited for", END),
    refusal("Zombie with children", "a process that has ended and has children", END),
    refusal(
        "Individually stopped threads",
        "a thread that was stopped by itself",
        "Let it go on before the end of Init.",
    ),
    refusal("A session leader of", "a process of a session whose leader is outside of the sandbox", END),
    refusal("Can't dump ghost file", "a deleted file that is still open and larger than /tmp", CLOSE),
    refusal(
        "Can't link remap to",
        "an open file that was deleted or renamed, in a place where no link to it can be made",
        CLOSE,
    ),
    refusal("Unsupported mapping found", "a mapping of a device", "Unmap it before the end of Init."),
    refusal(
        "Can't handle non-regular mapping",
        "a mapping of something that is no regular file",
        "Unmap it before the end of Init.",
    ),
    refusal(
        "Strange file mapped",
        "a mapping of something that is no regular file",
        "Unmap it before the end of Init.",
    ),
    refusal("Can't fetch filter", "a seccomp filter that can't be read", "Install it after the restore."),
    refusal("lease", "a lease on a file that is just being broken", "Give it up before the end of Init."),
    refusal("file lock", "a lock on a file that can't be saved", "Give it up before the end of Init."),
    refusal("Unknown freezer state", "a process that could not be stopped", END),
];

/// Lines that are there in every log.
const NOISE: [&str; 3] = ["rlimit: ", "Dumping FAILED", "Can't save descriptor"];

/// Says why a dump failed. `code`: CRIU's exit code.
pub fn explain(log: &str, code: i32) -> String {
    let errors: Vec<&str> = log.lines().filter_map(error_text).collect();
    let found = errors.iter().find_map(|line| REFUSALS.iter().find(|refusal| line.contains(refusal.words)));
    let place = errors.iter().find_map(|line| descriptor_of(line)).unwrap_or_default();
    let told = errors.iter().find(|line| !NOISE.iter().any(|noise| line.contains(noise)));
    let (what, remedy) = match (found, told) {
        (Some(refusal), _) => (refusal.what.to_string(), refusal.remedy),
        (None, Some(line)) => (format!("something that CRIU names so: {}", shown(line)), CLOSE),
        (None, None) if code > SIGNAL_BASE => {
            let signal = code - SIGNAL_BASE;
            return format!(
                "The execution environment could not be saved: signal {signal} ended the one who saves it."
            );
        }
        (None, None) => (format!("something that CRIU does not name (it ended with {code})"), CLOSE),
    };
    format!("The execution environment could not be saved: it holds {what}{place}. {remedy}")
}

/// Says why a state that CRIU has saved is not taken. `why`: the judge's sentence, perhaps behind the name of an image.
pub fn explain_state(why: &str) -> String {
    let what = why.split_once(".img: ").map_or(why, |(_, what)| what);
    format!("The execution environment could not be saved: {what}. {CLOSE}")
}

/// Reads the text of a line of CRIU's log that tells of an error.
fn error_text(line: &str) -> Option<&str> {
    line.split_once("Error (").and_then(|(_, rest)| rest.split_once("): ")).map(|(_, text)| text)
}

fn descriptor_of(line: &str) -> Option<String> {
    let (number, rest) = line.strip_prefix("Can't save descriptor ")?.split_once(" of pid ")?;
    let (pid, link) = rest.split_once(": ").unwrap_or((rest, ""));
    let link = if link.is_empty() { String::new() } else { format!(": {}", shown(link)) };
    Some(format!(" (descriptor {} of process {}{link})", shown(number), shown(pid)))
}

/// Makes a name of the function's fit for a sentence, a terminal and a log.
fn shown(text: &str) -> String {
    text.trim().chars().take(SHOWN_CHARACTERS_MAX).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted\n";
    const END_OF_LOG: &str = "Error (criu/cr-dump.c:1545): Dump files (pid: 1002) failed with -1\n\
                              Error (criu/cr-dump.c:1975): Dumping FAILED.\n";

    fn explained(lines: &str) -> String {
        explain(&format!("{LOG}{lines}{END_OF_LOG}"), 1)
    }

    #[test]
    fn names_what_it_was_where_and_what_to_do() {
        assert_eq!(
            explained(
                "Error (criu/pipes.c:490): The packetized mode for pipes is not supported yet\n\
                 Error (criu/files.c:663): Can't save descriptor 7 of pid 1002: pipe:[4711]\n"
            ),
            format!(
                "The execution environment could not be saved: it holds a pipe that keeps packets apart (O_DIRECT) \
                 (descriptor 7 of process 1002: pipe:[4711]). {CLOSE}"
            )
        );
    }

    #[test]
    fn what_is_not_in_the_table_is_told_in_the_words_of_criu() {
        let text = explained("Error (criu/odd.c:1): odd: Can't do \x1b[31mthis\x07\n");
        assert!(text.contains("something that CRIU names so: odd: Can't do ?[31mthis?."), "{text}");
        assert!(explain(LOG, 1).contains("does not name (it ended with 1)"));
        assert!(explain(LOG, 137).ends_with("signal 9 ended the one who saves it."));
    }

    #[test]
    fn what_the_judge_refuses_is_told_without_the_name_of_its_image() {
        assert_eq!(
            explain_state("files.img: an open file is /proc/1/stat, which can't be opened for a clone"),
            format!(
                "The execution environment could not be saved: an open file is /proc/1/stat, which can't be opened \
                 for a clone. {CLOSE}"
            )
        );
        assert!(explain_state("it has no pstree.img").contains("saved: it has no pstree.img. "));
    }

    #[test]
    fn a_long_name_is_cut() {
        let name = "x".repeat(5000);
        let text = explained(&format!("Error (criu/files.c:663): Can't save descriptor 1 of pid 2: /tmp/{name}\n"));
        assert!(text.len() < 1000, "{text}");
    }

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_log_gives_one_line(log in "(Error \\([^)]{0,5}\\): .{0,80}\n|.{0,40}\n){0,8}", code in any::<i32>()) {
            prop_assert!(!explain(&log, code).contains('\n'));
        }
    }
}
