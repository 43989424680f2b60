/**
 * node tools/compare-example.ts [COUNT]: what docs/guides/compare.md shows. The pet store on a server of its own: Init
 * with its snapshot, then the snapshot unprimed and primed by the event that is measured.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY, startThaw, type ThawServer } from "./thaw-server.ts";

const EVENT = { routeKey: "GET /pets", queryStringParameters: { q: "siamese fish" } };
const PRIMES = { events: [EVENT], times: 3 };

/** What `thaw deploy --json` says of a stack. */
interface DeployedStack {
  readonly outputs: { readonly PetsFunction: string };
}

function thaw(server: ThawServer, args: readonly string[]): string {
  const done = spawnSync(process.execPath, [join(REPOSITORY, "packages/cli/bin/thaw.mjs"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...server.env },
  });
  if (done.status !== 0) throw new Error(`thaw ${args.join(" ")} ended with ${done.status}`);
  return String(done.stdout);
}

async function main(count: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "thaw-compare-example-"));
  const server = await startThaw();
  try {
    const deployed = thaw(server, ["--json", "deploy", join(REPOSITORY, "samples/pet-store")]);
    const { PetsFunction: name } = (JSON.parse(deployed) as DeployedStack).outputs;
    const primes = join(folder, "primes.json");
    writeFileSync(primes, JSON.stringify(PRIMES));
    process.stdout.write(`${cpus().length} × ${cpus()[0]?.model}\n`);
    for (const more of [[], ["--primed-by", primes]]) {
      const page = thaw(server, ["compare", name, "live", ...more, "--count", count, "--event", JSON.stringify(EVENT)]);
      process.stdout.write(`\n${page}`);
    }
  } finally {
    await server.remove();
    rmSync(folder, { recursive: true });
  }
}

await main(process.argv[2] ?? "10");
