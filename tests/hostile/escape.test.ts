// alone: attacks the host: what it reached would be somebody else's
/**
 * Ways out of the sandbox: files, memory, processes, system calls, sockets and devices of others. Each from a fresh
 * environment and from a clone.
 */
import { constants } from "node:fs";
import { describe, it } from "vitest";
import type { TestFunctions } from "../support/functions.ts";
import { type Neighbour, type Outcome, program, PROVIDED, withNeighbour } from "./harness.ts";

let functions: TestFunctions;
let neighbour: Neighbour;
let name: string;
withNeighbour(async (made, other) => {
  functions = made;
  neighbour = other;
  name = await functions.createSnapStart({ bootstrap: program("escape") }, PROVIDED);
  await functions.publish(name);
});

interface Try {
  readonly title: string;
  readonly event: Readonly<Record<string, unknown>>;
  readonly refused: RegExp;
}

const NOT_THERE = /^ENOENT$/;
const NOT_ALLOWED = /^(EACCES|EPERM)$/;
const READ_ONLY = /^(EROFS|EACCES|EPERM)$/;

const file = (path: string, refused = NOT_THERE): Try => ({
  title: `read ${path}`,
  event: { try: "read_file", path },
  refused,
});
const directory = (path: string, refused = NOT_THERE): Try => ({
  title: `list ${path}`,
  event: { try: "list_directory", path },
  refused,
});
const write = (path: string, refused = READ_ONLY): Try => ({
  title: `write ${path}`,
  event: { try: "write_file", path },
  refused,
});
const create = (path: string, refused = READ_ONLY): Try => ({
  title: `create ${path}`,
  event: { try: "create_file", path },
  refused,
});
const call = (title: string, number: number, ...parameters: readonly (number | null)[]): Try => ({
  title: `system call ${title}`,
  event: { try: "call", number, arguments: parameters },
  refused: title === "clone3" ? /^ENOSYS$/ : /^EPERM$/,
});
const socket = (title: string, family: number, type: number, protocol = 0): Try => ({
  title: `socket ${title}`,
  event: { try: "make_socket", family, type, protocol },
  refused: NOT_ALLOWED,
});

const FILES: readonly Try[] = [
  file("/etc/shadow"),
  file("/root/.bashrc"),
  file("/var/lib/thaw/data/secret"),
  file("/proc/1/environ", NOT_ALLOWED),
  file("/proc/1/maps", NOT_ALLOWED),
  file("/proc/1/root/etc/shadow", NOT_ALLOWED),
  file("/proc/self/root/proc/1/cwd/etc/shadow", NOT_ALLOWED),
  file("/run/criu.kdat", NOT_ALLOWED),
  file("/sys/kernel/notes"),
  file("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
  directory("/run/.thaw", NOT_ALLOWED),
  directory("/home"),
  directory("/sys"),
  directory("/proc/1/fd", NOT_ALLOWED),
  directory("/proc/1/map_files", NOT_ALLOWED),
  { title: "see the host's devices and keys in /proc", event: { try: "hidden_parts_of_proc" }, refused: NOT_THERE },
  {
    title: "see where its control groups are on the host",
    event: { try: "place_in_control_groups" },
    refused: NOT_THERE,
  },
  write("/proc/sys/kernel/core_pattern"),
  write("/proc/sys/kernel/ns_last_pid"),
  write("/proc/sys/net/ipv4/ip_forward"),
  write("/proc/sysrq-trigger", /^(EROFS|EACCES|EPERM|ENOENT)$/),
  write("/proc/1/oom_score_adj"),
  write("/var/task/bootstrap"),
  write("/run/etc/passwd"),
  write("/etc/hosts"),
  create("/var/task/x"),
  create("/opt/x"),
  create("/usr/x"),
  create("/dev/x"),
  create("/run/x"),
  create("/run/ctl/x"),
  create("/x"),
];

const PROCESSES: readonly Try[] = [
  { title: "walk up out of the root", event: { try: "walk_up" }, refused: /^EXDEV$/ },
  { title: "write the supervisor's memory", event: { try: "memory_of_the_supervisor" }, refused: NOT_ALLOWED },
  {
    title: "look at the supervisor's descriptors",
    event: { try: "descriptors_of_the_supervisor" },
    refused: NOT_ALLOWED,
  },
  { title: "look at the descriptors of pid 1", event: { try: "descriptors_of_pid_1" }, refused: NOT_ALLOWED },
  { title: "find descriptors of the host among its own", event: { try: "own_descriptors" }, refused: NOT_THERE },
  { title: "see processes of others", event: { try: "foreign_processes" }, refused: /^ESRCH$/ },
  { title: "kill pid 1", event: { try: "kill_process", pid: 1 }, refused: NOT_ALLOWED },
  { title: "become root", event: { try: "become_root" }, refused: NOT_ALLOWED },
  { title: "run a set-uid program", event: { try: "set_uid_program" }, refused: NOT_ALLOWED },
  {
    title: "make a block device",
    event: { try: "make_device", kind: constants.S_IFBLK, major: 254, minor: 0 },
    refused: NOT_ALLOWED,
  },
  {
    title: "make a character device",
    event: { try: "make_device", kind: constants.S_IFCHR, major: 1, minor: 1 },
    refused: NOT_ALLOWED,
  },
  {
    title: "make a whiteout",
    event: { try: "make_device", kind: constants.S_IFCHR, major: 0, minor: 0 },
    refused: NOT_ALLOWED,
  },
  { title: "take the control socket's place", event: { try: "bind_over_the_control_socket" }, refused: READ_ONLY },
  {
    title: "speak to the control socket",
    event: { try: "speak_to_the_control_socket" },
    refused: /^(ECONNRESET|EPIPE)$/,
  },
];

const CALLS: readonly Try[] = [
  call("ptrace", 101, 16, 1),
  call("process_vm_readv", 310, 1, 0, 0, 0, 0, 0),
  call("process_vm_writev", 311, 1, 0, 0, 0, 0, 0),
  call("kcmp", 312, 1, 1, 0, 0, 0),
  call("pidfd_getfd", 438, 0, 0, 0),
  call("mount", 165, null, null, null, 0, null),
  call("umount2", 166, null, 0),
  call("pivot_root", 155, null, null),
  call("chroot", 161, null),
  call("move_mount", 429, 0, null, 0, null, 0),
  call("open_tree", 428, 0, null, 0),
  call("fsopen", 430, null, 0),
  call("fspick", 433, 0, null, 0),
  call("mount_setattr", 442, 0, null, 0, null, 0),
  call("unshare of a user namespace", 272, 0x10000000),
  call("setns", 308, 0, 0),
  call("clone into a user namespace", 56, 0x10000011, 0, 0, 0, 0),
  call("clone3", 435, null, 0),
  call("bpf", 321, 0, null, 0),
  call("perf_event_open", 298, null, 0, 0, 0, 0),
  call("userfaultfd", 323, 0),
  call("io_uring_setup", 425, 8, null),
  call("io_setup, whose number is limited for the whole host", 206, 1, null),
  call("add_key", 248, null, null, null, 0, 0),
  call("keyctl", 250, 0, 0),
  call("request_key", 249, null, null, null, 0),
  call("open_by_handle_at", 304, 0, null, 0),
  call("init_module", 175, null, 0, null),
  call("finit_module", 313, 0, null, 0),
  call("kexec_load", 246, 0, 0, null, 0),
  call("reboot", 169, 0, 0, 0, null),
  call("swapon", 167, null, 0),
  call("settimeofday", 164, null, null),
  call("clock_settime", 227, 0, null),
  call("adjtimex", 159, null),
  call("iopl", 172, 3),
  call("ioperm", 173, 0, 1, 1),
  call("syslog", 103, 2, null, 0),
  call("fanotify_init", 300, 0, 0),
  call("quotactl", 179, 0, null, 0, null),
  call("sethostname", 170, null, 0),
  call("acct", 163, null),
  call("mmap of huge pages", 9, null, 2 << 20, 3, 0x40022, -1, 0),
  call("memfd_create of huge pages", 319, null, 4),
  call("shmget of huge pages", 29, 0, 2 << 20, 0o5600),
  call("getpid of the x32 interface", 0x40000000 + 39),
  { title: "32-bit system calls", event: { try: "old_abi" }, refused: /^EPERM$/ },
];

const SOCKETS: readonly Try[] = [
  socket("of raw packets", 17, 3, 0x300),
  socket("of raw IP", 2, 3, 1),
  socket("of raw IPv6", 10, 3, 58),
  socket("to the hypervisor", 40, 1),
  socket("to the kernel's cipher code", 38, 5),
  socket("of TIPC", 30, 2),
  socket("of CAN", 29, 3, 1),
  socket("of Bluetooth", 31, 3),
  socket("of XDP", 44, 3),
  socket("of KCM", 41, 2),
  socket("of SMC", 43, 1),
  ...[
    ["SCTP", 1, 132],
    ["SCTP, of packets", 5, 132],
    ["SCTP, by its type alone", 5, 0],
    ["DCCP", 6, 33],
    ["DCCP, by its type alone", 6, 0],
    ["MPTCP", 1, 262],
    ["L2TP", 2, 115],
    ["UDP-Lite", 2, 136],
  ].flatMap(([title, type, protocol]) => [
    socket(`of ${title}, which loads a kernel module`, 2, type as number, protocol as number),
    socket(`of ${title}, which loads a kernel module, over IPv6`, 10, type as number, protocol as number),
  ]),
  ...[1, 2, 4, 6, 8, 9, 10, 12, 15, 16, 18, 19, 20, 21, 22].map((protocol) =>
    socket(`of netlink's family ${protocol}`, 16, 3, protocol),
  ),
  {
    title: "a socket pair of TIPC, which loads a kernel module",
    event: { try: "make_socket_pair", family: 30, type: 1 },
    refused: NOT_ALLOWED,
  },
  { title: "change the network", event: { try: "change_the_network" }, refused: NOT_ALLOWED },
];

describe.each([
  ["a fresh environment", "$LATEST"],
  ["a clone", "1"],
] as const)("from %s", (_, qualifier) => {
  it.each([...FILES, ...PROCESSES, ...CALLS, ...SOCKETS])("can't $title", async ({ event, refused }) => {
    const outcome = (await functions.invoke(name, event, qualifier)).payload as Outcome;
    if (outcome.refused === undefined || !refused.test(outcome.refused)) throw new Error(JSON.stringify(outcome));
  });

  it("can't find the code or the data of others", async () => {
    const places = [
      functions.server.dataDir,
      `${functions.server.dataDir}/code`,
      `${functions.server.dataDir}/snapshots`,
      `/run/thaw/${functions.server.pid}`,
      `/proc/${functions.server.pid}/root${functions.server.dataDir}`,
    ];
    for (const path of places) {
      const outcome = (await functions.invoke(name, { try: "list_directory", path }, qualifier)).payload as Outcome;
      if (outcome.refused !== "ENOENT") throw new Error(`${path}: ${JSON.stringify(outcome)}`);
    }
  });

  it("finds in /run/thaw what is meant for itself, and nothing of the host's", async ({ expect }) => {
    const { got } = (await functions.invoke(name, { try: "list_directory", path: "/run/thaw" }, qualifier))
      .payload as Outcome;
    expect((got as string[]).toSorted()).toEqual(["generation", "snapshot.json"]);
  });

  it("leaves the neighbour as it was", () => neighbour.check());
});
