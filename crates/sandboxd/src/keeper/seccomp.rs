//! The system calls a function may make: what containers allow by default, without tracing, other processes' memory,
//! io_uring, keys, odd socket families, and asynchronous I/O of the old kind (`io_setup`: its contexts are counted for
//! the whole host, so that one function could take them from all others). Everything else answers EPERM.
//!
//! The kernel tries a new filter on every number there is (`seccomp_cache_prepare`), and a restore installs it in each
//! process: a list that is gone through from the top cost 1 ms each time. So the calls that need no look at their
//! arguments are found by bisection, in some eight steps; `seccompiler` makes the rules for the others.

use std::collections::BTreeMap;

use seccompiler::{
    apply_filter, sock_filter, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use super::system_calls::ALLOWED;

pub type Program = BpfProgram;
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWCGROUP) as u64;
/// Sockets by family, type and protocol. Any other would have the kernel load its module (SCTP, DCCP, L2TP, the
/// families of netlink).
const SOCKETS: [(libc::c_int, libc::c_int, &[libc::c_int]); 6] = [
    (libc::AF_INET, libc::SOCK_STREAM, &[0, libc::IPPROTO_TCP]),
    (libc::AF_INET, libc::SOCK_DGRAM, &[0, libc::IPPROTO_UDP, libc::IPPROTO_ICMP]),
    (libc::AF_INET6, libc::SOCK_STREAM, &[0, libc::IPPROTO_TCP]),
    (libc::AF_INET6, libc::SOCK_DGRAM, &[0, libc::IPPROTO_UDP, libc::IPPROTO_ICMPV6]),
    (libc::AF_NETLINK, libc::SOCK_RAW, &[libc::NETLINK_ROUTE]),
    (libc::AF_NETLINK, libc::SOCK_DGRAM, &[libc::NETLINK_ROUTE]),
];
/// What of a socket's type is no flag.
const SOCKET_TYPE_MASK: u64 = 0xf;
/// Calls of the relay, with those that a panic and the allocator make.
const RELAY: [libc::c_long; 27] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_recvmsg,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_ioctl,
    libc::SYS_fcntl,
    libc::SYS_kill,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
/// `linux/audit.h`: EM_X86_64, 64 bits, little endian.
const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
/// Linux, no address randomisation (the JVM's launcher asks), 32-bit base, both, and "tell me".
const PERSONALITIES: [u64; 5] = [0, 0x0004_0000, 0x0008, 0x0002_0000, 0xffff_ffff];

fn when(arg: u8, op: SeccompCmpOp, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(arg, SeccompCmpArgLen::Qword, op, value)?])
}

fn sockets() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let equal = |arg: u8, value: libc::c_int| {
        SeccompCondition::new(arg, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value as u64)
    };
    let mut rules = vec![when(0, SeccompCmpOp::Eq, libc::AF_UNIX as u64)?];
    for (family, kind, protocols) in SOCKETS {
        for protocol in protocols {
            let op = SeccompCmpOp::MaskedEq(SOCKET_TYPE_MASK);
            let kind = SeccompCondition::new(1, SeccompCmpArgLen::Qword, op, kind as u64)?;
            rules.push(SeccompRule::new(vec![equal(0, family)?, kind, equal(2, *protocol)?])?);
        }
    }
    Ok(rules)
}

/// Calls whose arguments decide.
fn conditional() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = BTreeMap::new();
    rules.insert(libc::SYS_clone, vec![when(0, SeccompCmpOp::MaskedEq(NAMESPACES), 0)?]);
    rules.insert(libc::SYS_socket, sockets()?);
    // Any other family would have the kernel load its module.
    rules.insert(libc::SYS_socketpair, vec![when(0, SeccompCmpOp::Eq, libc::AF_UNIX as u64)?]);
    let personalities: Result<Vec<_>, _> =
        PERSONALITIES.iter().map(|value| when(0, SeccompCmpOp::Eq, *value)).collect();
    rules.insert(libc::SYS_personality, personalities?);
    // Huge pages are the host's reserve, outside of a function's memory limit.
    rules.insert(libc::SYS_mmap, vec![when(3, SeccompCmpOp::MaskedEq(libc::MAP_HUGETLB as u64), 0)?]);
    rules.insert(libc::SYS_memfd_create, vec![when(1, SeccompCmpOp::MaskedEq(u64::from(libc::MFD_HUGETLB)), 0)?]);
    rules.insert(libc::SYS_shmget, vec![when(2, SeccompCmpOp::MaskedEq(libc::SHM_HUGETLB as u64), 0)?]);
    Ok(rules)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allow,
    Deny,
    /// `clone3` hides its flags behind a pointer; after ENOSYS the C libraries fall back to `clone`.
    Missing,
    /// The rules that look at arguments tell.
    Ask,
}

/// Ranges of numbers, each from its first one to the next range's: all of them, in order.
fn verdicts(conditional: &Rules) -> Vec<(u32, Verdict)> {
    let allowed = ALLOWED.into_iter().flatten().map(|call| (*call, Verdict::Allow));
    let asked = conditional.keys().map(|call| (*call, Verdict::Ask));
    let number = |call: i64| u32::try_from(call).expect("a number of a system call");
    // Where a call is listed twice the later verdict holds.
    let listed: BTreeMap<u32, Verdict> = allowed
        .chain(asked)
        .chain([(libc::SYS_clone3, Verdict::Missing)])
        .map(|(call, verdict)| (number(call), verdict))
        .collect();
    let mut begins = listed.clone();
    for other in std::iter::once(0).chain(listed.keys().map(|number| number + 1)) {
        begins.entry(other).or_insert(Verdict::Deny);
    }
    let mut ranges: Vec<(u32, Verdict)> = begins.into_iter().collect();
    ranges.dedup_by(|next, last| next.1 == last.1);
    ranges
}

const fn statement(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code: code as u16, jt, jf, k }
}

const fn answer(value: u32) -> sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, 0, 0, value)
}

const fn load(offset: usize) -> sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset as u32)
}

/// Instructions that find the range of the loaded number. Where the verdict is `Ask` they go on behind the end, with
/// `behind` instructions of this search still to be skipped.
fn search(ranges: &[(u32, Verdict)], behind: usize) -> Program {
    if let [(_, verdict)] = ranges {
        return vec![match verdict {
            Verdict::Allow => answer(libc::SECCOMP_RET_ALLOW),
            Verdict::Deny => answer(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
            Verdict::Missing => answer(libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
            Verdict::Ask => statement(libc::BPF_JMP | libc::BPF_JA, 0, 0, behind as u32),
        }];
    }
    let (lower, upper) = ranges.split_at(ranges.len() / 2);
    let upper_part = search(upper, behind);
    let lower_part = search(lower, behind + upper_part.len());
    let split = upper[0].0;
    let skip = u8::try_from(lower_part.len()).expect("half of the search fits a short jump");
    std::iter::once(statement(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, skip, 0, split))
        .chain(lower_part)
        .chain(upper_part)
        .collect()
}

/// One filter: more than one has the slow end of a restore (patches/criu). The rules at the end begin with the
/// architecture and the number once more.
pub fn default_filter() -> Result<Program, seccompiler::BackendError> {
    let conditional = conditional()?;
    let ranges = verdicts(&conditional);
    let rules = SeccompFilter::new(
        conditional,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        TargetArch::x86_64,
    )?;
    let rules: BpfProgram = rules.try_into()?;
    let begin = [
        load(std::mem::offset_of!(libc::seccomp_data, arch)),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, 0, AUDIT_ARCH_X86_64),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(std::mem::offset_of!(libc::seccomp_data, nr)),
    ];
    Ok(begin.into_iter().chain(search(&ranges, 0)).chain(rules).collect())
}

/// The filter of every sandbox as the kernel shows it, and as CRIU writes it down.
pub fn filter_bytes() -> Result<Vec<u8>, String> {
    let program = default_filter().map_err(|error| error.to_string())?;
    let bytes = |step: &sock_filter| {
        let [code_low, code_high] = step.code.to_le_bytes();
        let [a, b, c, d] = step.k.to_le_bytes();
        [code_low, code_high, step.jt, step.jf, a, b, c, d]
    };
    Ok(program.iter().flat_map(bytes).collect())
}

/// The relay's: it reads and writes messages, looks at userfaultfds, and ends its clone. Its own, not a function's.
pub fn relay_filter() -> std::io::Result<Program> {
    let rules: Rules = RELAY.iter().map(|call| (*call, Vec::new())).collect();
    let (deny, allow) = (SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow);
    SeccompFilter::new(rules, deny, allow, TargetArch::x86_64)
        .and_then(BpfProgram::try_from)
        .map_err(std::io::Error::other)
}

pub fn apply(program: &Program) -> Result<(), seccompiler::Error> {
    apply_filter(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the filter as the kernel would: its answer, and the number of instructions.
    fn run(program: &Program, arch: u32, number: u32, args: [u64; 6]) -> (u32, usize) {
        let mut data = Vec::new();
        data.extend_from_slice(&number.to_le_bytes());
        data.extend_from_slice(&arch.to_le_bytes());
        data.extend_from_slice(&0u64.to_le_bytes());
        args.iter().for_each(|arg| data.extend_from_slice(&arg.to_le_bytes()));
        let (mut loaded, mut at, mut steps) = (0, 0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            steps += 1;
            let mut branch = |is_true: bool| at += usize::from(if is_true { jt } else { jf });
            match u32::from(code) {
                code if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS => {
                    loaded = u32::from_le_bytes(data[k as usize..k as usize + 4].try_into().expect("four bytes"));
                }
                code if code == libc::BPF_JMP | libc::BPF_JA => at += k as usize,
                code if code == libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K => branch(loaded == k),
                code if code == libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K => branch(loaded >= k),
                code if code == libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K => branch(loaded > k),
                code if code == libc::BPF_ALU | libc::BPF_AND | libc::BPF_K => loaded &= k,
                code if code == libc::BPF_RET | libc::BPF_K => return (k, steps),
                other => panic!("instruction {other:#x}"),
            }
        }
    }

    /// The whole list as `seccompiler` makes it, gone through from the top.
    fn plain_list() -> Program {
        let mut rules = conditional().expect("rules");
        rules.extend(ALLOWED.into_iter().flatten().map(|call| (*call, Vec::new())));
        SeccompFilter::new(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, TargetArch::x86_64)
            .expect("a filter")
            .try_into()
            .expect("a program")
    }

    #[test]
    fn answers_each_call_as_a_plain_list_does_and_much_sooner() {
        let (found, plain) = (default_filter().expect("a filter"), plain_list());
        let firsts =
            [0, 1, 2, 10, 16, 17, 0x8, 0x2_0000, 0x4_0000, NAMESPACES, 0x2000_0000, 0xffff_ffff, u64::MAX, 1 << 32];
        let numbers = (0..1200).chain([0x3fff_ffff, 0x4000_0000, 0x4000_0001, 0x7fff_ffff, 0x8000_0000, u32::MAX]);
        let mut steps_max = 0;
        for number in numbers {
            for first in firsts {
                let (answer, steps) = run(&found, AUDIT_ARCH_X86_64, number, [first, 0, 0, 0, 0, 0]);
                let expected = match i64::from(number) {
                    libc::SYS_clone3 => libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
                    _ => run(&plain, AUDIT_ARCH_X86_64, number, [first, 0, 0, 0, 0, 0]).0,
                };
                assert_eq!(answer, expected, "call {number}, first argument {first:#x}");
                if answer == libc::SECCOMP_RET_ALLOW && !conditional().expect("rules").contains_key(&i64::from(number))
                {
                    steps_max = steps_max.max(steps);
                }
            }
        }
        assert!(steps_max <= 12, "{steps_max} steps");
    }

    /// A snapshot has its filter in it, and one with another filter is not restored: the format says which there are.
    #[test]
    fn another_filter_needs_another_format_of_snapshots() {
        use std::fmt::Write;
        let digest = ring::digest::digest(&ring::digest::SHA256, &filter_bytes().expect("a filter"));
        let text = digest.as_ref()[..8].iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes all");
            text
        });
        let known = (thaw_snapshot::envelope::FORMAT, text.as_str());
        assert_eq!(known, (6, "b0197f826a2d4f87"), "raise FORMAT, and note the new digest here");
    }

    #[test]
    fn asks_for_type_and_protocol_of_sockets_and_for_huge_pages() {
        let filter = default_filter().expect("a filter");
        let allows = |call: libc::c_long, args: [u64; 6]| {
            run(&filter, AUDIT_ARCH_X86_64, call as u32, args).0 == libc::SECCOMP_RET_ALLOW
        };
        let socket = |family: i32, kind: i32, protocol: i32| {
            let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
            let args = |kind: i32| [family as u64, kind as u64, protocol as u64, 0, 0, 0];
            let plain = allows(libc::SYS_socket, args(kind));
            assert_eq!(plain, allows(libc::SYS_socket, args(kind | flags)));
            plain
        };
        let (stream, datagram, raw) = (libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_RAW);
        for (family, kind, protocol) in [
            (libc::AF_UNIX, stream, 0),
            (libc::AF_UNIX, libc::SOCK_SEQPACKET, 0),
            (libc::AF_INET, stream, 0),
            (libc::AF_INET, stream, 6),
            (libc::AF_INET, datagram, 17),
            (libc::AF_INET, datagram, 1),
            (libc::AF_INET6, datagram, 58),
            (libc::AF_NETLINK, raw, 0),
            (libc::AF_NETLINK, datagram, 0),
        ] {
            assert!(socket(family, kind, protocol), "{family} {kind} {protocol}");
        }
        for family in [libc::AF_INET, libc::AF_INET6] {
            for (kind, protocol) in
                [(stream, 132), (stream, 262), (5, 0), (5, 132), (6, 0), (6, 33), (datagram, 136), (raw, 255)]
            {
                assert!(!socket(family, kind, protocol), "{family} {kind} {protocol}");
            }
        }
        for protocol in 1..32 {
            assert!(!socket(libc::AF_NETLINK, raw, protocol), "netlink {protocol}");
        }
        let anonymous = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
        for huge in [0, 21u64 << 26, 30 << 26] {
            let flags = anonymous | libc::MAP_HUGETLB as u64 | huge;
            assert!(!allows(libc::SYS_mmap, [0, 1 << 21, 3, flags, u64::MAX, 0]));
        }
        assert!(allows(libc::SYS_mmap, [0, 1 << 21, 3, anonymous, u64::MAX, 0]));
        assert!(!allows(libc::SYS_memfd_create, [0, 4, 0, 0, 0, 0]));
        assert!(allows(libc::SYS_memfd_create, [0, 3, 0, 0, 0, 0]));
        assert!(!allows(libc::SYS_shmget, [0, 1 << 21, 0o5600, 0, 0, 0]));
        assert!(allows(libc::SYS_shmget, [0, 1 << 21, 0o1600, 0, 0, 0]));
    }

    #[test]
    fn ends_who_comes_with_another_architecture() {
        const I386: u32 = 0x4000_0003;
        let filter = default_filter().expect("a filter");
        for number in 0..600 {
            assert_eq!(run(&filter, I386, number, [0; 6]).0, libc::SECCOMP_RET_KILL_PROCESS);
        }
    }
}
