import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPrimeSource, parsePrimeFile } from "./prime-file.ts";

const texts = (payloads: readonly Buffer[]): string[] => payloads.map(String);

test("has events, and how often each is served", () => {
  expect(parsePrimeFile('{"events":[{"a":1},null,"x"]}')).toEqual({ events: ['{"a":1}', "null", '"x"'], times: 1 });
  expect(parsePrimeFile('{"events":[1],"times":1000000}')).toEqual({ events: ["1"], times: 1000 });
});

test.each([
  "null",
  "[]",
  "{}",
  '{"events":1}',
  '{"events":[],"times":0}',
  '{"events":[],"times":1.5}',
  '{"events":[],"times":"2"}',
  "{",
])("%s is refused", (text) => expect(() => parsePrimeFile(text)).toThrow(/events|times|JSON/));

test("a package without the file has none; one that is too large is refused", async () => {
  const dir = mkdtempSync(join(tmpdir(), "thaw-prime-"));
  try {
    mkdirSync(join(dir, "code/code-a"), { recursive: true });
    const source = createPrimeSource(dir);
    expect(await source.readPrimes("code-a")).toEqual([]);
    expect(await source.readPrimeFile("code-a")).toBeNull();
    writeFileSync(join(dir, "code/code-a/thaw.prime.json"), '{"events":[1,2],"times":2}');
    expect(texts(await source.readPrimes("code-a"))).toEqual(["1", "2", "1", "2"]);
    writeFileSync(join(dir, "code/code-a/thaw.prime.json"), '{"events":[{}]}');
    expect(texts(await source.readPrimes("code-a"))).toEqual(["{}"]);
    writeFileSync(join(dir, "code/code-a/thaw.prime.json"), " ".repeat(7_000_000));
    await expect(source.readPrimes("code-a")).rejects.toThrow("7000000 bytes");
    // A package's links are resolved in the sandbox only.
    writeFileSync(join(dir, "secret"), '{"events":["of the host"]}');
    rmSync(join(dir, "code/code-a/thaw.prime.json"));
    symlinkSync(join(dir, "secret"), join(dir, "code/code-a/thaw.prime.json"));
    await expect(source.readPrimes("code-a")).rejects.toThrow("thaw.prime.json is a link");
  } finally {
    rmSync(dir, { recursive: true });
  }
});
