/** What lies on this host's disk and in the far store, against the rows that name it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { VersionRecord } from "@thaw/server/testing/model";
import { chunkNameOf, chunkNamesOf, readClear } from "@thaw/server/testing/snapshots";

export class Storage {
  readonly #places: ReadonlyArray<readonly [name: "near" | "far", root: string]>;
  readonly #rows: readonly VersionRecord[];
  readonly #named: ReadonlySet<string>;

  constructor(dataDir: string, farDir: string, rows: readonly VersionRecord[]) {
    this.#places = [
      ["near", dataDir],
      ["far", farDir],
    ];
    this.#rows = rows.filter((row) => row.snapshotId !== null);
    this.#named = new Set(this.#rows.map((row) => row.snapshotId as string));
  }

  /** Rows without their snapshot, and snapshots without their row; empty where all is well. */
  faults(): string[] {
    const inactive = this.#rows
      .filter((row) => row.state !== "Active")
      .map((row) => `${row.functionName}:${row.version} is ${row.state} with a snapshot`);
    return [...inactive, ...[...this.#named].flatMap((id) => this.#faultsOf(id)), ...this.#orphans()];
  }

  /** What a collection should have removed. */
  leftovers(where: "near" | "far"): string[] {
    const root = this.#root(where);
    const ids = list(join(root, "snapshots"));
    // What a killed upload was about to name is kept for an hour.
    const drafts = list(join(root, "drafts")).flatMap((name) =>
      chunkNamesOf(readClear(readFileSync(join(root, "drafts", name)))),
    );
    const named = new Set([...drafts, ...ids.flatMap((id) => chunkNames(root, id) ?? [])]);
    const chunks = list(join(root, "chunks")).flatMap((group) =>
      list(join(root, "chunks", group)).filter((name) => /^[0-9a-f]{64}$/.test(name)),
    );
    const halves = where === "near" ? ids.filter((id) => !this.#named.has(id)) : [];
    return [...halves, ...chunks.filter((name) => !named.has(name))].map((name) => `${name} is nobody's, ${where}`);
  }

  /** What keeps it from being at rest: faults, leftovers, and what a collector of the far store promises to remove. */
  unfinished(): string[] {
    const promises = list(join(this.#root("far"), "collecting")).map((name) => `${name} is being collected`);
    return [...this.faults(), ...this.leftovers("near"), ...this.leftovers("far"), ...promises];
  }

  has(snapshotId: string | null): boolean {
    return this.#places.some(([, root]) => existsSync(join(root, "snapshots", snapshotId ?? "", "manifest")));
  }

  #root(where: "near" | "far"): string {
    return this.#places.find(([name]) => name === where)?.[1] ?? "";
  }

  #faultsOf(id: string): string[] {
    const names = this.#places.map(([, root]) => chunkNames(root, id)).find((found) => found !== null) ?? null;
    if (names === null) return [`${id} is nowhere`];
    return names.filter((name) => !this.#isWhole(name)).map((name) => `chunk ${name} of ${id} is nowhere whole`);
  }

  /** Half of a snapshot is seen by nobody; the next start removes it. */
  #orphans(): string[] {
    return this.#places.flatMap(([place, root]) =>
      list(join(root, "snapshots"))
        .filter(
          (id) =>
            !id.endsWith(".partial") && !this.#named.has(id) && existsSync(join(root, "snapshots", id, "manifest")),
        )
        .map((id) => `${id} is nobody's, ${place}`),
    );
  }

  #isWhole(name: string): boolean {
    const files = this.#places
      .map(([, root]) => join(root, "chunks", name.slice(0, 2), name))
      .filter((path) => existsSync(path));
    return files.length > 0 && files.every((file) => chunkNameOf(readFileSync(file)) === name);
  }
}

/** Of a manifest; null where there is none. */
function chunkNames(root: string, id: string): readonly string[] | null {
  const manifest = join(root, "snapshots", id, "manifest");
  return existsSync(manifest) ? chunkNamesOf(readClear(readFileSync(manifest))) : null;
}

function list(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}
