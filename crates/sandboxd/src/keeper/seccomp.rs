//! The system calls a function may make: what containers allow by default, without tracing, other processes' memory, io_uring,
//! keys, odd socket families, and asynchronous I/O of the old kind (`io_setup`: its contexts are counted for the whole host, so that one
//! function could take them from all others). Everything else answers EPERM.

use std::collections::BTreeMap;

use seccompiler::{
    apply_filter, sock_filter, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

pub type Program = BpfProgram;
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

const FILES: &[i64] = &[
    libc::SYS_access, libc::SYS_chdir, libc::SYS_chmod, libc::SYS_chown, libc::SYS_close, libc::SYS_close_range,
    libc::SYS_copy_file_range, libc::SYS_creat, libc::SYS_dup, libc::SYS_dup2, libc::SYS_dup3, libc::SYS_faccessat,
    libc::SYS_faccessat2, libc::SYS_fadvise64, libc::SYS_fallocate, libc::SYS_fchdir, libc::SYS_fchmod, libc::SYS_fchmodat,
    libc::SYS_fchown, libc::SYS_fchownat, libc::SYS_fcntl, libc::SYS_fdatasync, libc::SYS_fgetxattr, libc::SYS_flistxattr,
    libc::SYS_flock, libc::SYS_fremovexattr, libc::SYS_fsetxattr, libc::SYS_fstat, libc::SYS_fstatfs, libc::SYS_fsync,
    libc::SYS_ftruncate, libc::SYS_futimesat, libc::SYS_getcwd, libc::SYS_getdents, libc::SYS_getdents64, libc::SYS_getxattr,
    libc::SYS_inotify_add_watch, libc::SYS_inotify_init, libc::SYS_inotify_init1, libc::SYS_inotify_rm_watch, libc::SYS_ioctl,
    libc::SYS_lchown, libc::SYS_lgetxattr, libc::SYS_link, libc::SYS_linkat, libc::SYS_listxattr, libc::SYS_llistxattr,
    libc::SYS_lremovexattr, libc::SYS_lseek, libc::SYS_lsetxattr, libc::SYS_lstat, libc::SYS_mkdir, libc::SYS_mkdirat,
    libc::SYS_mknod, libc::SYS_mknodat, libc::SYS_name_to_handle_at, libc::SYS_newfstatat, libc::SYS_open, libc::SYS_openat,
    libc::SYS_openat2, libc::SYS_pread64, libc::SYS_preadv, libc::SYS_preadv2, libc::SYS_pwrite64, libc::SYS_pwritev,
    libc::SYS_pwritev2, libc::SYS_read, libc::SYS_readahead, libc::SYS_readlink, libc::SYS_readlinkat, libc::SYS_readv,
    libc::SYS_removexattr, libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2, libc::SYS_rmdir, libc::SYS_sendfile,
    libc::SYS_setxattr, libc::SYS_splice, libc::SYS_stat, libc::SYS_statfs, libc::SYS_statx, libc::SYS_symlink,
    libc::SYS_symlinkat, libc::SYS_sync, libc::SYS_sync_file_range, libc::SYS_syncfs, libc::SYS_tee, libc::SYS_truncate,
    libc::SYS_umask, libc::SYS_unlink, libc::SYS_unlinkat, libc::SYS_utime, libc::SYS_utimensat, libc::SYS_utimes,
    libc::SYS_vmsplice, libc::SYS_write, libc::SYS_writev,
];

const MEMORY: &[i64] = &[
    libc::SYS_brk, libc::SYS_madvise, libc::SYS_membarrier, libc::SYS_memfd_create, libc::SYS_mincore, libc::SYS_mlock,
    libc::SYS_mlock2, libc::SYS_mlockall, libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_mremap, libc::SYS_msync,
    libc::SYS_munlock, libc::SYS_munlockall, libc::SYS_munmap, libc::SYS_pkey_alloc, libc::SYS_pkey_free,
    libc::SYS_pkey_mprotect, libc::SYS_remap_file_pages,
];

const PROCESSES: &[i64] = &[
    libc::SYS_arch_prctl, libc::SYS_capget, libc::SYS_capset, libc::SYS_clone3, libc::SYS_execve, libc::SYS_execveat,
    libc::SYS_exit, libc::SYS_exit_group, libc::SYS_fork, libc::SYS_get_robust_list, libc::SYS_getcpu, libc::SYS_getegid,
    libc::SYS_geteuid, libc::SYS_getgid, libc::SYS_getgroups, libc::SYS_getpgid, libc::SYS_getpgrp, libc::SYS_getpid,
    libc::SYS_getppid, libc::SYS_getpriority, libc::SYS_getrandom, libc::SYS_getresgid, libc::SYS_getresuid,
    libc::SYS_getrlimit, libc::SYS_getrusage, libc::SYS_getsid, libc::SYS_gettid, libc::SYS_getuid, libc::SYS_ioprio_get,
    libc::SYS_ioprio_set, libc::SYS_kill, libc::SYS_pause, libc::SYS_pidfd_open, libc::SYS_pidfd_send_signal,
    libc::SYS_prctl, libc::SYS_prlimit64, libc::SYS_process_mrelease, libc::SYS_restart_syscall, libc::SYS_rseq,
    libc::SYS_sched_get_priority_max, libc::SYS_sched_get_priority_min, libc::SYS_sched_getaffinity,
    libc::SYS_sched_getattr, libc::SYS_sched_getparam, libc::SYS_sched_getscheduler, libc::SYS_sched_rr_get_interval,
    libc::SYS_sched_setaffinity, libc::SYS_sched_setattr, libc::SYS_sched_setparam, libc::SYS_sched_setscheduler,
    libc::SYS_sched_yield, libc::SYS_seccomp, libc::SYS_set_robust_list, libc::SYS_set_thread_area,
    libc::SYS_set_tid_address, libc::SYS_setfsgid, libc::SYS_setfsuid, libc::SYS_setgid, libc::SYS_setgroups,
    libc::SYS_setpgid, libc::SYS_setpriority, libc::SYS_setregid, libc::SYS_setresgid, libc::SYS_setresuid,
    libc::SYS_setreuid, libc::SYS_setrlimit, libc::SYS_setsid, libc::SYS_setuid, libc::SYS_sysinfo, libc::SYS_tgkill,
    libc::SYS_times, libc::SYS_tkill, libc::SYS_uname, libc::SYS_vfork, libc::SYS_wait4, libc::SYS_waitid,
    libc::SYS_landlock_add_rule, libc::SYS_landlock_create_ruleset, libc::SYS_landlock_restrict_self,
];

const SIGNALS_AND_TIME: &[i64] = &[
    libc::SYS_alarm, libc::SYS_clock_getres, libc::SYS_clock_gettime, libc::SYS_clock_nanosleep, libc::SYS_getitimer,
    libc::SYS_gettimeofday, libc::SYS_nanosleep, libc::SYS_rt_sigaction, libc::SYS_rt_sigpending, libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigqueueinfo, libc::SYS_rt_sigreturn, libc::SYS_rt_sigsuspend, libc::SYS_rt_sigtimedwait,
    libc::SYS_rt_tgsigqueueinfo, libc::SYS_setitimer, libc::SYS_sigaltstack, libc::SYS_signalfd, libc::SYS_signalfd4,
    libc::SYS_time, libc::SYS_timer_create, libc::SYS_timer_delete, libc::SYS_timer_getoverrun, libc::SYS_timer_gettime,
    libc::SYS_timer_settime, libc::SYS_timerfd_create, libc::SYS_timerfd_gettime, libc::SYS_timerfd_settime,
];

const WAITING_AND_IPC: &[i64] = &[
    libc::SYS_epoll_create, libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2,
    libc::SYS_epoll_wait, libc::SYS_eventfd, libc::SYS_eventfd2, libc::SYS_futex, libc::SYS_futex_waitv,
    libc::SYS_mq_getsetattr, libc::SYS_mq_notify, libc::SYS_mq_open, libc::SYS_mq_timedreceive,
    libc::SYS_mq_timedsend, libc::SYS_mq_unlink, libc::SYS_msgctl, libc::SYS_msgget, libc::SYS_msgrcv, libc::SYS_msgsnd,
    libc::SYS_pipe, libc::SYS_pipe2, libc::SYS_poll, libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_select,
    libc::SYS_semctl, libc::SYS_semget, libc::SYS_semop, libc::SYS_semtimedop, libc::SYS_shmat, libc::SYS_shmctl,
    libc::SYS_shmdt, libc::SYS_shmget,
];

const NETWORK: &[i64] = &[
    libc::SYS_accept, libc::SYS_accept4, libc::SYS_bind, libc::SYS_connect, libc::SYS_getpeername, libc::SYS_getsockname,
    libc::SYS_getsockopt, libc::SYS_listen, libc::SYS_recvfrom, libc::SYS_recvmmsg, libc::SYS_recvmsg, libc::SYS_sendmmsg,
    libc::SYS_sendmsg, libc::SYS_sendto, libc::SYS_setsockopt, libc::SYS_shutdown,
];

const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWCGROUP) as u64;
const SOCKET_FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
/// Linux, no address randomisation (the JVM's launcher asks), 32-bit base, both, and "tell me".
const PERSONALITIES: [u64; 5] = [0, 0x0004_0000, 0x0008, 0x0002_0000, 0xffff_ffff];

fn when(arg: u8, op: SeccompCmpOp, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(arg, SeccompCmpArgLen::Qword, op, value)?])
}

fn allowed() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = BTreeMap::new();
    for group in [FILES, MEMORY, PROCESSES, SIGNALS_AND_TIME, WAITING_AND_IPC, NETWORK] {
        rules.extend(group.iter().map(|call| (*call, Vec::new())));
    }
    rules.insert(libc::SYS_clone, vec![when(0, SeccompCmpOp::MaskedEq(NAMESPACES), 0)?]);
    let families: Result<Vec<_>, _> =
        SOCKET_FAMILIES.iter().map(|family| when(0, SeccompCmpOp::Eq, *family as u64)).collect();
    rules.insert(libc::SYS_socket, families?);
    // Any other family would have the kernel load its module.
    rules.insert(libc::SYS_socketpair, vec![when(0, SeccompCmpOp::Eq, libc::AF_UNIX as u64)?]);
    let personalities: Result<Vec<_>, _> =
        PERSONALITIES.iter().map(|value| when(0, SeccompCmpOp::Eq, *value)).collect();
    rules.insert(libc::SYS_personality, personalities?);
    Ok(rules)
}

/// One filter, since each costs a millisecond of every restore, and more than one the slow end of it (patches/criu). `clone3`, which the
/// list allows, is answered before it is looked at: it hides its flags behind a pointer, and after ENOSYS the C libraries fall back to
/// `clone`.
pub fn default_filter() -> Result<Program, seccompiler::BackendError> {
    let list = SeccompFilter::new(
        allowed()?,
        SeccompAction::Errno(libc::EPERM as u32),
        SeccompAction::Allow,
        TargetArch::x86_64,
    )?;
    let list: BpfProgram = list.try_into()?;
    Ok(answer_enosys(libc::SYS_clone3 as u32).into_iter().chain(list).collect())
}

/// Jumps of a filter are relative: it may stand before another.
fn answer_enosys(call: u32) -> [sock_filter; 3] {
    let statement = |code: u32, jt: u8, jf: u8, k: u32| sock_filter { code: code as u16, jt, jf, k };
    let number_offset = std::mem::offset_of!(libc::seccomp_data, nr) as u32;
    [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, number_offset),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, call),
        statement(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ]
}

pub fn apply(program: &Program) -> Result<(), seccompiler::Error> {
    apply_filter(program)
}
