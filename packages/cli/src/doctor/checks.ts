/** Checks of what Thaw needs of a host, each with its cure. Nothing is changed here. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { basename, join } from "node:path";
import { type Parts, PROGRAM, partsOf, ROOT, SETUP, thawHomeOf } from "@thaw/installation";
import { bundled } from "@thaw/installation/bundled";
import { GVISOR, GVISOR_NOT_YET, gvisorState } from "@thaw/installation/engines";
import { installedRuntimes } from "./installed-runtimes.ts";

export interface Finding {
  readonly level: "ok" | "warning" | "problem";
  readonly what: string;
  readonly detail: string;
  readonly remedy?: string;
}

const CRIU_MIN = [4, 2, 1] as const;

export function checkHost(): readonly Finding[] {
  const parts = partsOf(process.env);
  return [
    checkUser(),
    checkKernel(),
    ...(hasProc() ? [checkCriu(parts.criu)] : []),
    ...checkProc(),
    checkCpuLatency(),
    ...checkPrograms(),
    checkGvisor(),
    checkRust(parts),
    checkBundles(),
    ...checkRuntimes(parts.clients, join(thawHomeOf(process.env), "runtimes")),
  ];
}

/** Checks that read /proc, which a container or a chroot may not have. */
function checkProc(): readonly Finding[] {
  if (!hasProc())
    return [problem("/proc", "not mounted: neither the kernel nor CRIU can be asked", "mount -t proc proc /proc")];
  return [...checkNamespaces(), checkCgroup(), checkFileSystems(), checkUserfaultfd(), checkSeccomp(), checkCpu()];
}

function hasProc(): boolean {
  return existsSync("/proc/self/status");
}

/** Reads a file of the kernel; empty where it can't be read. */
function readKernel(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function ok(what: string, detail: string): Finding {
  return { level: "ok", what, detail };
}

function problem(what: string, detail: string, remedy: string): Finding {
  return { level: "problem", what, detail, remedy };
}

function warning(what: string, detail: string, remedy: string): Finding {
  return { level: "warning", what, detail, remedy };
}

function checkBundles(): Finding {
  if (bundled(ROOT, "serve") !== null) return ok("programs", "bundled");
  return ok("programs", `sources that are newer than their bundles: each start takes longer. ${SETUP} bundles them`);
}

function checkUser(): Finding {
  if (process.geteuid?.() === 0) return ok("user", "root: thaw serve can start sandboxd");
  return warning(
    "user",
    "not root",
    "start thaw serve as root, or let root run sandboxd for this user (the server itself never needs root)",
  );
}

function checkKernel(): Finding {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  if (major > 5 || (major === 5 && minor >= 12)) return ok("kernel", release());
  return problem("kernel", release(), "Linux 5.12 or newer is needed (mount_setattr, time namespaces)");
}

function checkCriu(path: string): Finding {
  if (!existsSync(path)) return problem("CRIU", `${path} is missing: no snapshots`, SETUP);
  const found = /Version: ([\d.]+)/.exec(capture(path, ["--version"]))?.[1] ?? "0";
  const parts = found.split(".").map(Number);
  const difference = CRIU_MIN.map((wanted, index) => (parts[index] ?? 0) - wanted).find((each) => each !== 0) ?? 0;
  if (difference < 0) return problem("CRIU", `version ${found}`, `4.2.1 or newer is needed: ${SETUP}`);
  if (process.geteuid?.() !== 0) return ok("CRIU", `version ${found}`);
  const verdict = capture(path, ["check"]);
  if (verdict.includes("Looks good")) return ok("CRIU", `version ${found}, criu check: looks good`);
  return problem(
    "CRIU",
    `version ${found}: ${verdict.trim().split("\n").at(-1) ?? ""}`,
    "the kernel lacks something: see the line above",
  );
}

function checkNamespaces(): readonly Finding[] {
  const missing = ["pid", "mnt", "net", "ipc", "uts", "time"].filter((name) => !existsSync(`/proc/self/ns/${name}`));
  if (missing.length === 0) return [ok("namespaces", "pid mnt net ipc uts time")];
  return [problem("namespaces", `missing: ${missing.join(" ")}`, "a kernel with these namespaces")];
}

function checkCgroup(): Finding {
  const mounts = readKernel("/proc/mounts");
  const wanted = ["memory", "cpu", "freezer", "pids"];
  if (existsSync("/sys/fs/cgroup/cgroup.controllers")) {
    const controllers = readKernel("/sys/fs/cgroup/cgroup.controllers").trim().split(" ");
    const missing = ["memory", "cpu", "pids"].filter((name) => !controllers.includes(name));
    return missing.length === 0
      ? ok("cgroup", "v2")
      : problem("cgroup", `v2 without ${missing.join(" ")}`, "enable these controllers for this host");
  }
  const missing = wanted.filter((name) => !new RegExp(`^cgroup \\S+ cgroup \\S*\\b${name}\\b`, "m").test(mounts));
  return missing.length === 0
    ? ok("cgroup", "v1")
    : problem("cgroup", `v1 without ${missing.join(" ")}`, "mount these controllers below /sys/fs/cgroup");
}

function checkFileSystems(): Finding {
  const known = readKernel("/proc/filesystems");
  if (!known.includes("overlay")) return problem("overlay", "not known to the kernel", "modprobe overlay");
  if (!existsSync("/dev/loop-control"))
    return warning("/tmp quota", "no loop devices: /tmp is kept in memory", "modprobe loop");
  return ok("file systems", "overlay, loop devices");
}

function checkUserfaultfd(): Finding {
  if (existsSync("/dev/userfaultfd")) return ok("userfaultfd", "/dev/userfaultfd");
  const path = "/proc/sys/vm/unprivileged_userfaultfd";
  if (existsSync(path)) return ok("userfaultfd", "system call");
  return warning("userfaultfd", "not in this kernel", "memory is restored eagerly");
}

/** Looks at this process: a server that was started from here would have the same. */
function checkSeccomp(): Finding {
  if (/^Seccomp:\s+0$/m.test(readKernel("/proc/self/status"))) return ok("system calls", "no filter");
  return problem(
    "system calls",
    "filtered: CRIU can't take snapshots here",
    "docker run --security-opt seccomp=unconfined, or the like of your container",
  );
}

function checkCpu(): Finding {
  const flags = new Set((/^flags\s*:\s*(.*)$/m.exec(readKernel("/proc/cpuinfo"))?.[1] ?? "").split(" "));
  const shown = ["avx2", "avx512f", "amx_tile"].filter((flag) => flags.has(flag));
  if (!flags.has("xsave")) return problem("CPU", "no XSAVE", "another machine");
  return ok("CPU", `xsave ${shown.join(" ")} (snapshots restore only where the same features are)`);
}

function checkCpuLatency(): Finding {
  const path = "/dev/cpu_dma_latency";
  if (existsSync(path)) return ok("processor sleep", `kept off while a cold start begins (${path})`);
  return warning(
    "processor sleep",
    `no ${path}: cold starts take some milliseconds more`,
    `a kernel with cpuidle; in a container: --device ${path}`,
  );
}

function checkPrograms(): readonly Finding[] {
  const places = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  const needed: ReadonlyArray<readonly [string, string]> = [
    ["ip", "iproute2"],
    ["nft", "nftables"],
    ["mkfs.ext4", "e2fsprogs"],
    ["setpriv", "util-linux"],
  ];
  const missing = needed.filter(([program]) => !places.some((place) => existsSync(join(place, program))));
  if (missing.length === 0) return [ok("programs", needed.map(([program]) => program).join(" "))];
  return missing.map(([program, debian]) => problem("programs", `${program} is missing`, `apt-get install ${debian}`));
}

function checkRust({ sandboxd, supervisor, pager }: Parts): Finding {
  const missing = [sandboxd, supervisor, pager].filter((path) => !existsSync(path)).map((path) => basename(path));
  return missing.length === 0 ? ok("sandboxd", "built") : problem("sandboxd", `not built: ${missing.join(" ")}`, SETUP);
}

/** Not a lack: no function needs it. */
function checkGvisor(): Finding {
  const state = gvisorState(process.env);
  const install = `${PROGRAM} engines install ${GVISOR}`;
  if (state === "missing") return ok("gVisor", "not installed; nothing needs it");
  if (state === "old") return warning("gVisor", "built for another version of Thaw", install);
  const runsc = join(thawHomeOf(process.env), "engines", GVISOR, "runsc");
  const version = /^runsc version (\S+)$/m.exec(capture(runsc, ["--version"]))?.[1];
  if (version === undefined) return warning("gVisor", `${runsc} does not run on this host`, install);
  return ok("gVisor", `${version}; ${GVISOR_NOT_YET}`);
}

function checkRuntimes(clients: string, runtimesDir: string): readonly Finding[] {
  if (!existsSync(join(clients, "java"))) return [problem("runtime clients", "not built", SETUP)];
  const java = existsSync("/usr/lib/jvm")
    ? readdirSync("/usr/lib/jvm").filter((name) => existsSync(`/usr/lib/jvm/${name}/release`))
    : [];
  const installed = installedRuntimes(runtimesDir);
  return [
    java.length > 0
      ? ok("Java", java.join(" "))
      : warning("Java", "no JDK on this host", `${PROGRAM} runtimes install java21`),
    installed.length > 0
      ? ok("installed runtimes", installed.join(" "))
      : warning("installed runtimes", "none", `${PROGRAM} runtimes install nodejs24`),
  ];
}

function capture(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const failed = error as { stdout?: string; stderr?: string };
    return `${failed.stdout ?? ""}${failed.stderr ?? ""}`;
  }
}
