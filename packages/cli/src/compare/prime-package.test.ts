/** Packages with other prime events: all else is as it was, as a reader of zips sees it. */
import { ZipFile } from "yazl";
import { expect, it } from "vitest";
import { withPrimes } from "./prime-package.ts";

const MTIME = new Date(2024, 0, 2, 3, 4, 6);

async function zipOf(files: ReadonlyArray<readonly [name: string, content: string, mode: number]>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content, mode] of files)
    if (name.endsWith("/")) zip.addEmptyDirectory(name, { mtime: MTIME });
    else zip.addBuffer(Buffer.from(content), name, { mtime: MTIME, mode });
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

const REST = [
  ["lib/", "", 0],
  ["bootstrap", "#!/bin/sh\n", 0o100755],
  ["lib/current", "code.mjs", 0o120777],
  ["lib/code.mjs", "export const value = 1;\n", 0o100644],
] as const;

it("takes prime events out, puts others in, and keeps modes, links, folders and times", async () => {
  const primes = '{"events":[1]}';
  const plain = await zipOf(REST);
  const primed = await zipOf([...REST, ["thaw.prime.json", primes, 0o100644]]);
  expect(await withPrimes(primed, null)).toEqual({ zip: plain, own: primes });
  expect(await withPrimes(plain, null)).toEqual({ zip: plain, own: null });
  const made = await withPrimes(primed, '{"events":[2]}');
  expect(await withPrimes(made.zip, null)).toEqual({ zip: plain, own: '{"events":[2]}' });
});

it("refuses what is no package", async () => {
  await expect(withPrimes(Buffer.from("no zip"), null)).rejects.toThrow("the package can't be read");
});
