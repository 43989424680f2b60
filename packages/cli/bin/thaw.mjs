#!/usr/bin/env node
// Finds Node.js 24 (the programs are TypeScript, run as they are), then the command.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const MAJOR = 24;
if (Number(process.versions.node.split(".")[0]) < MAJOR) {
  const local = fileURLToPath(new URL("../../../node_modules/node/bin/node", import.meta.url));
  if (!existsSync(local)) {
    process.stderr.write(`thaw: Node.js ${MAJOR} or newer is needed. Run: npm run setup\n`);
    process.exit(1);
  }
  const child = spawnSync(local, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  process.exit(child.status ?? 1);
}
process.removeAllListeners("warning");
const [command, ...rest] = process.argv.slice(2);
// The server and what works on its files are programs of their own; everything else only talks to it.
if (command === "serve") await (await import("@thaw/server/serve")).main(rest);
else if (command === "backup" || command === "restore") await (await import("@thaw/server/backup")).main(command, rest);
else await (await import("../src/main.ts")).main(process.argv);
