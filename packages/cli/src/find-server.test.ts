/** Which server a command is for, and with whose keys: the server's, never the person's own for AWS. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { CommandError } from "@thaw/installation/command-error";
import { findTarget, type Target } from "./find-server.ts";

const PERSONS = { AWS_ACCESS_KEY_ID: "AKIAPERSON", AWS_SECRET_ACCESS_KEY: "persons", AWS_PROFILE: "work" };
const OWN = { accessKeyId: "AKIATHAW", secretAccessKey: "thaws" };
let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "thaw-find-server-"));
});

afterEach(() => rmSync(base, { recursive: true }));

interface Made {
  readonly endpoint?: string;
  readonly accessKeyId?: string;
  readonly pid?: number;
}

/** A data directory of a server that runs: this process stands for it. */
function makeServer(
  name: string,
  { endpoint = "http://127.0.0.1:5555", accessKeyId = "AKIATHAW", pid }: Made = {},
): string {
  const dataDir = join(base, name);
  mkdirSync(dataDir, { recursive: true });
  const facts = { endpoint, region: "eu-north-1", accessKeyId, pid: pid ?? process.pid };
  writeFileSync(join(dataDir, "server.json"), JSON.stringify(facts));
  writeFileSync(
    join(dataDir, "credentials"),
    "[default]\naws_access_key_id = AKIATHAW\naws_secret_access_key = thaws\nregion = eu-north-1\n",
  );
  return dataDir;
}

/** Writes what a launcher leaves in its run directory. */
function announce(dataDir: string, pid: number): void {
  mkdirSync(join(base, "run", String(pid)), { recursive: true });
  writeFileSync(join(base, "run", String(pid), "data-directory"), dataDir);
}

function target(env: Record<string, string>): Target {
  return findTarget({ THAW_HOME: join(base, "home"), ...PERSONS, ...env }, join(base, "run"));
}

describe("finds its server", () => {
  it("by the default data directory, whatever port it listens on", ({ expect }) => {
    makeServer("home/data", { endpoint: "http://0.0.0.0:7777" });
    expect(target({})).toMatchObject({ endpoint: "http://127.0.0.1:7777", region: "eu-north-1", credentials: OWN });
  });

  it("by THAW_DATA, and by the only launcher that runs", ({ expect }) => {
    const dataDir = makeServer("elsewhere");
    expect(target({ THAW_DATA: dataDir })).toMatchObject({ endpoint: "http://127.0.0.1:5555", credentials: OWN });
    announce(dataDir, process.pid);
    expect(target({})).toMatchObject({ endpoint: "http://127.0.0.1:5555", credentials: OWN });
  });

  it("by its endpoint, however that is written", ({ expect }) => {
    announce(makeServer("elsewhere"), process.pid);
    for (const THAW_ENDPOINT of ["http://127.0.0.1:5555/", "http://localhost:5555"])
      expect(target({ THAW_ENDPOINT }).credentials).toEqual(OWN);
  });

  it("not by one that has ended", ({ expect }) => {
    const gone = 2 ** 22 + 1;
    announce(makeServer("ended", { pid: gone }), process.pid);
    announce(makeServer("launcher-ended"), gone);
    expect(target({}).endpoint).toBe("http://127.0.0.1:9000");
  });

  it("asks for a name where several run", ({ expect }) => {
    announce(makeServer("one"), process.pid);
    announce(makeServer("two", { endpoint: "http://127.0.0.1:6666" }), process.ppid);
    const { credentials } = target({});
    expect(credentials).toBeInstanceOf(CommandError);
    expect((credentials as CommandError).message).toMatch(/several servers run .*\n.*THAW_DATA=.*one .*\n.*two /);
  });
});

describe("keys", () => {
  it("of variables of Thaw's own win", ({ expect }) => {
    const dataDir = makeServer("elsewhere");
    const env = { THAW_DATA: dataDir, THAW_ACCESS_KEY_ID: "AKIAGIVEN", THAW_SECRET_ACCESS_KEY: "given" };
    expect(target(env).credentials).toEqual({ accessKeyId: "AKIAGIVEN", secretAccessKey: "given" });
  });

  it("that the operator chose are asked for, and taken from AWS's variables only by their id", ({ expect }) => {
    const dataDir = makeServer("elsewhere", { accessKeyId: "AKIAOPERATOR" });
    const { credentials } = target({ THAW_DATA: dataDir });
    expect((credentials as CommandError).message).toContain("keys that its operator chose (AKIAOPERATOR)");
    const evaluated = { AWS_ACCESS_KEY_ID: "AKIAOPERATOR", AWS_SECRET_ACCESS_KEY: "operators" };
    expect(target({ THAW_DATA: dataDir, ...evaluated }).credentials).toEqual({
      accessKeyId: "AKIAOPERATOR",
      secretAccessKey: "operators",
    });
  });

  it("of this host's server are not for another host, and the person's are for none", ({ expect }) => {
    makeServer("home/data");
    for (const THAW_ENDPOINT of ["http://thaw.example:9000", "https://lambda.us-east-1.amazonaws.com"])
      expect(target({ THAW_ENDPOINT }).credentials).toMatchObject({
        message: expect.stringMatching(/^no credentials: .* keys and profiles for AWS are never used\.$/) as string,
      });
  });
});
