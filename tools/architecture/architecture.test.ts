import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, it } from "vitest";
import { checkRust } from "./rust.ts";
import { checkTypeScript } from "./typescript.ts";

const SERVER = "packages/server/src";

/** One file that breaks one rule: its path, its text, and what the checker says. */
const PLANTED: ReadonlyArray<readonly [string, string, string]> = [
  [`${SERVER}/control/a.ts`, 'import type { X } from "../worker/x.ts";', "control may not import worker"],
  [`${SERVER}/base/a.ts`, 'import { x } from "../model/x.ts";', "base may not import model"],
  [
    `${SERVER}/engines/criu/a.ts`,
    'import { x } from "../process/x.ts";',
    "engines/criu may not import engines/process",
  ],
  [
    `${SERVER}/engines/fourth/a.ts`,
    'import { x } from "../hosted-engine.ts";',
    "the room engines/fourth has no place in the layering rule",
  ],
  [
    `${SERVER}/control/records/a.ts`,
    'import type { X } from "../invoke/x.ts";',
    "control/records may not import control/invoke",
  ],
  [
    `${SERVER}/control/invoke/a.ts`,
    'import { x } from "../control-plane.ts";',
    "control/invoke may not import control/control-plane.ts",
  ],
  [`${SERVER}/worker/lives/a.ts`, 'import "../placement/x.ts";', "worker/lives may not import worker/placement"],
  [`${SERVER}/snapshots/format/a.ts`, 'import "../far/x.ts";', "snapshots/format may not import snapshots/far"],
  [`${SERVER}/main/a.ts`, 'import { FakeEngine } from "../engines/fake/x.ts";', "only tests may import engines/fake/"],
  [`${SERVER}/store/a.ts`, 'export * from "../objects/x.ts";', "store may not import objects"],
  [
    `${SERVER}/worker/a.ts`,
    'import { spawn } from "node:child_process";',
    "only main, transforms, packages/cli, packages/scan may use node:child_process",
  ],
  [
    `${SERVER}/worker/a.ts`,
    'import { connect } from "node:net";',
    "only cluster, door, main, packages/cli, remote-worker, sandboxd, supervisor may use node:net",
  ],
  [
    `${SERVER}/http/a.ts`,
    'import { createServer } from "node:http";',
    "only cluster, packages/cli, supervisor, door, remote-worker may use node:http",
  ],
  [
    `${SERVER}/control/a.ts`,
    'import { readFile } from "node:fs/promises";',
    "only accounts, base, cluster, door, images, keys, logs, main, metrics, objects, runtimes, snapshot-stores, snapshots, " +
      "store, transforms, packages/cli, packages/installation, packages/scan, packages/template may use node:fs/promises",
  ],
  [`${SERVER}/control/a.ts`, 'import fastify from "fastify";', "only http may use fastify"],
  [`${SERVER}/worker/a.ts`, 'const x = await import("../main/x.ts");', "worker may not import main"],
  [
    `${SERVER}/helpers/a.ts`,
    'import { x } from "../base/x.ts";',
    "the folder helpers has no place in the layering rule",
  ],
  ["packages/scan/src/a.ts", 'import "@thaw/server/serve";', "packages/scan may not import @thaw/server/serve"],
  ["packages/cli/src/a.ts", 'import "../../server/src/main/serve.ts";', "leaves its package"],
  ["packages/other/src/a.ts", 'import "./b.ts";', "the package other has no place in the layering rule"],
  [
    "tests/worker/a.test.ts",
    'import { x } from "../../packages/server/src/base/x.ts";',
    "a package is imported by its name, through its exports",
  ],
];

const PLANTED_RUST: ReadonlyArray<readonly [string, string, string]> = [
  ["snapshot/src/a.rs", "use thaw_pager::cache::Cache;", "snapshot may not use pager"],
  [
    "pager/src/a.rs",
    '#[path = "../../sandboxd/src/error.rs"]\nmod error;',
    "pager reaches into the inside of sandboxd",
  ],
  ["supervisor/src/a.rs", 'include!("../../pager/src/uffd.rs");', "supervisor reaches into the inside of pager"],
  ["supervisor/Cargo.toml", 'thaw-snapshot = { path = "../snapshot" }', "supervisor may not use snapshot"],
  ["seventh/src/a.rs", "", "the crate seventh has no place in the layering rule"],
  ["sandboxd/src/keeper/a.rs", "use crate::sandboxes::Entry;", "sandboxd/keeper may not use sandboxd/sandboxes"],
  ["sandboxd/src/sys/a.rs", "use crate::{error, sys};", "sandboxd/sys may not use sandboxd/error"],
  ["sandboxd/src/pager/a.rs", "use super::super::engines::Engine;", "sandboxd/pager may not use sandboxd/engines"],
  ["sandboxd/src/names.rs", "use super::protocol::Message;", "sandboxd/names may not use sandboxd/protocol"],
  ["sandboxd/src/rooms/a.rs", "", "the room rooms of sandboxd has no place in the layering rule"],
];

/** Calls `use` with the root of a repository of these files. */
function withFiles(files: Readonly<Record<string, string>>, use: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), "thaw-architecture-"));
  try {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), `${text}\n`);
    }
    use(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe("the layering rule", () => {
  it.for(PLANTED)("finds %s with %s", ([file, text, why], { expect }) => {
    withFiles({ [file]: text }, (root) => {
      expect(checkTypeScript(root).violations.map((violation) => violation.why)).toEqual([why]);
    });
  });

  it.for(PLANTED_RUST)("finds crates/%s with %s", ([file, text, why], { expect }) => {
    const [crate = ""] = file.split("/");
    withFiles({ [`crates/${crate}/Cargo.toml`]: "[package]", [`crates/${file}`]: text }, (root) => {
      expect(checkRust(root).violations.map((violation) => violation.why)).toEqual([why]);
    });
  });

  it("holds in this repository", ({ expect }) => {
    const root = resolve(import.meta.dirname, "../..");
    for (const { files, violations } of [checkTypeScript(root), checkRust(root)]) {
      expect(violations).toEqual([]);
      expect(files).toBeGreaterThan(70);
    }
  });
});
