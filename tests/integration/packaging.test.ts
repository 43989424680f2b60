/** The Debian package and its service: built, looked at, and run with no more rights than the service gives. */
import type { CheckReport } from "@thaw/thaw-api/check-report";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, it } from "vitest";
import { REPOSITORY, type ThawServer } from "../../tools/thaw-server.ts";
import { TestFunctions } from "../support/functions.ts";

const UNIT = join(REPOSITORY, "packaging/systemd/thaw.service");
const HAS_SYSTEMD = spawnSync("systemd-analyze", ["--version"]).status === 0;
/** What systemd does with a seccomp filter, under which CRIU can't work. */
const SECCOMP =
  /^(SystemCall\w+|RestrictAddressFamilies|RestrictNamespaces|RestrictRealtime|RestrictSUIDSGID|LockPersonality|MemoryDenyWriteExecute|ProtectClock|ProtectHostname|ProtectKernel(Logs|Modules|Tunables)|PrivateDevices)=/m;

/** Of a host where nothing else of Thaw is. */
const BARE = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  THAW_HOME: "/nonexistent",
  THAW_ENDPOINT: "http://127.0.0.1:9",
};

let place: string;
let root: string;

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), "thaw-package-"));
  execFileSync("chmod", ["755", place]);
  const built = execFileSync("sh", [join(REPOSITORY, "packaging/build-deb.sh"), place], { encoding: "utf8" }).trim();
  root = join(place, "root");
  execFileSync("dpkg-deb", ["-x", built, root]);
  execFileSync("dpkg-deb", ["-e", built, join(place, "control")]);
}, 240_000);

afterAll(() => rmSync(place, { recursive: true, force: true }));

it("holds what the service runs, owned by root, writable by nobody else, with scripts that a shell understands", ({
  expect,
}) => {
  const odd = execFileSync(
    "find",
    [
      root,
      "(",
      "-not",
      "-user",
      "root",
      "-o",
      "(",
      "-perm",
      "/022",
      "-not",
      "-type",
      "l",
      ")",
      "-o",
      "-perm",
      "/6000",
      ")",
    ],
    {
      encoding: "utf8",
    },
  );
  expect(odd).toBe("");
  for (const script of ["postinst", "prerm", "postrm"]) execFileSync("sh", ["-n", join(place, "control", script)]);
  execFileSync("sh", ["-n", join(root, "usr/bin/thaw")]);
  expect(readFileSync(join(place, "control/control"), "utf8")).toMatch(/^Depends: .*iproute2.*nftables.*e2fsprogs/m);
  expect(readFileSync(join(place, "control/conffiles"), "utf8").trim()).toBe("/etc/default/thaw");
  const tests = execFileSync("find", [join(root, "usr/lib/thaw/packages"), "-name", "*.test.ts"], { encoding: "utf8" });
  // Of a sample of thaw init, which the person gets.
  expect(tests).toBe(`${join(root, "usr/lib/thaw/packages/cli/samples/typescript/test/app.test.ts")}\n`);
});

it("finds its own parts: doctor, scanners, and how it is called", ({ expect }) => {
  const lib = join(root, "usr/lib/thaw");
  const script = readFileSync(join(root, "usr/bin/thaw"), "utf8").replaceAll("/usr/lib/thaw", lib);
  // A data directory without a server: those of other tests are none of this one's.
  const env = { ...BARE, THAW_DATA: join(tmpdir(), "thaw-none") };
  const thaw = (...args: string[]) => spawnSync("sh", ["-c", script, "thaw", ...args], { encoding: "utf8", env });
  const findings = JSON.parse(thaw("doctor", "--json").stdout) as ReadonlyArray<{
    what: string;
    level: string;
    remedy?: string;
  }>;
  for (const what of ["CRIU", "sandboxd"])
    expect(findings.find((each) => each.what === what)).toMatchObject({ level: "ok" });
  expect(findings.find((each) => each.what === "runtime clients")).toBeUndefined();
  expect(findings.find((each) => each.what === "server")).toMatchObject({ remedy: "thaw serve" });
  for (const language of ["python", "javascript"]) {
    const found = thaw("scan", join(REPOSITORY, "tests/scan/fixtures", language, "identifier/broken"));
    expect(found.status, found.stderr).toBe(1);
    expect(found.stdout).toContain("identifier");
  }
  const java = thaw("scan", join(REPOSITORY, "samples/spring/target/function.zip"), "--json");
  expect(java.status, java.stderr).toBeLessThan(2);
  const { status, stderr } = thaw("snapshots", "ls");
  expect(status).toBe(1);
  expect(stderr).toMatch(/^thaw: no credentials: .*Start a server: thaw serve\./);
});

it("has what gVisor is built by, and compares a built one with it", ({ expect }) => {
  const lib = join(root, "usr/lib/thaw");
  const home = join(place, "home");
  mkdirSync(join(home, "engines/gvisor"), { recursive: true });
  writeFileSync(join(home, "engines/gvisor/runsc"), "");
  const script = readFileSync(join(root, "usr/bin/thaw"), "utf8").replaceAll("/usr/lib/thaw", lib);
  const thaw = (...args: string[]) =>
    spawnSync("sh", ["-c", script, "thaw", ...args], { encoding: "utf8", env: { ...BARE, THAW_HOME: home } });
  const { stdout, stderr } = thaw("engines", "ls");
  expect(stdout, stderr).toMatch(/^gvisor +old .*; thaw engines install gvisor builds it as this version wants it$/m);
  // As its script computes it, which is beside the files that it reads.
  const recipe = /^recipe=.*$/m.exec(readFileSync(join(lib, "tools/install-gvisor.sh"), "utf8"))?.[0];
  const digest = execFileSync("sh", ["-euc", `. tools/lib.sh\n${recipe}\necho "$recipe"`], { cwd: lib });
  writeFileSync(join(home, "engines/gvisor/.recipe"), digest);
  const installing = thaw("engines", "install", "gvisor");
  expect(installing.stdout, installing.stderr).toMatch(/^gVisor is on this host; /);
});

it("brings documents that call the program as it does, a manual page and completion", ({ expect }) => {
  const doc = join(root, "usr/share/doc/thaw");
  const texts = readdirSync(doc, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
  expect(texts).toEqual(expect.arrayContaining(["README.md", "docs/guides/deploy.md", "docs/reference/operations.md"]));
  for (const name of texts) expect(readFileSync(join(doc, name), "utf8"), name).not.toContain("npx thaw");
  const readme = readFileSync(join(doc, "README.md"), "utf8");
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = ""]) => path);
  expect(links.length).toBeGreaterThan(10);
  for (const link of links) expect(existsSync(join(doc, link)), link).toBe(true);
  expect(existsSync(join(doc, "samples/nodejs/template.yml"))).toBe(true);
  const page = gunzipSync(readFileSync(join(root, "usr/share/man/man1/thaw.1.gz"))).toString();
  expect(page).toMatch(/^\.TH THAW 1/);
  expect(page).toContain(".SS thaw snapshots verify\n");
  expect(page).not.toContain("npx thaw");
  const completion = readFileSync(join(root, "usr/share/bash-completion/completions/thaw"), "utf8");
  expect(completion).toContain("complete -o default -F _thaw thaw");
  for (const path of ["zsh/vendor-completions/_thaw", "fish/vendor_completions.d/thaw.fish"])
    expect(existsSync(join(root, "usr/share", path)), path).toBe(true);
});

it.skipIf(!HAS_SYSTEMD)("has a unit that systemd understands (skipped where it is not installed)", ({ expect }) => {
  const { stderr } = spawnSync("systemd-analyze", ["verify", UNIT], { encoding: "utf8" });
  const complaints = stderr
    .split("\n")
    .filter((line) => line.includes("thaw.service") && !line.includes("/usr/bin/thaw is not executable"));
  expect(complaints).toEqual([]);
});

it("uses no filter of system calls, which would keep CRIU from its work", ({ expect }) => {
  expect(readFileSync(UNIT, "utf8")).not.toMatch(SECCOMP);
});

it("publishes and restores with exactly the capabilities of its unit", async ({ expect }) => {
  const capabilities = (/^CapabilityBoundingSet=(.*)$/m.exec(readFileSync(UNIT, "utf8"))?.[1] ?? "").split(" ");
  const wanted = capabilities.map((name) => `+${name.replace("CAP_", "").toLowerCase()}`);
  const lib = join(root, "usr/lib/thaw");
  const keys = { THAW_ACCESS_KEY_ID: "AKIAPACKAGE", THAW_SECRET_ACCESS_KEY: "package" };
  const args = [
    "--bounding-set",
    ["-all", ...wanted].join(","),
    "--inh-caps",
    "-all",
    join(lib, "node/node"),
    join(lib, "packages/cli/bin/thaw.mjs"),
    "serve",
  ];
  const child = spawn("setpriv", [...args, "--listen", "127.0.0.1:0", "--data", join(place, "data")], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...keys,
      THAW_BINARIES: join(lib, "bin"),
      THAW_CLIENTS: join(lib, "runtimes/dist"),
      THAW_CRIU: join(lib, "bin/criu"),
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes: Buffer) => void (output += bytes.toString()));
  try {
    const listening = async (): Promise<string> => {
      for (;;) {
        const found = /thaw listening on (\S+)\s/.exec(output)?.[1];
        if (found !== undefined) return found;
        if (child.exitCode !== null) throw new Error(output);
        await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
      }
    };
    const endpoint = await listening();
    const env = { AWS_ACCESS_KEY_ID: keys.THAW_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: keys.THAW_SECRET_ACCESS_KEY };
    const functions = new TestFunctions({ endpoint, env, output: () => output } as unknown as ThawServer);
    const name = await functions.createSnapStart({
      "index.mjs": "export const handler = async () => 'from the package';",
    });
    const version = await functions.publish(name);
    const answer = await functions.invoke(name, {}, version);
    expect(answer.payload, output).toBe("from the package");
    expect(answer.log).toContain("Restore Duration");
    const check = await functions.admin(
      "POST",
      "check",
      Buffer.from(JSON.stringify({ function: `${name}:${version}`, event: "{}", clones: 2 })),
    );
    expect(((await check.json()) as CheckReport).network.requestsRead, output).toBe(0);
  } finally {
    const ended = child.exitCode === null ? once(child, "exit") : null;
    child.kill("SIGTERM");
    await ended;
  }
});
