// matrix: an image with as many files as an image may have, which takes long to unpack
/** An image of 100,000 files, with a real client and real sandboxes; and one file more. */
import {
  CreateFunctionCommand,
  GetFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { ImageFolder, type LayerEntry, tarOf } from "@thaw/server/testing/image-files";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ROLE, TestFunctions } from "../support/functions.ts";
import { bashRuntime, systemLayer } from "../support/images.ts";

const ENTRIES_MAX = 100_000;
const FOLDERS = 1000;
/** So many files are written, and as many links are made to them, on whatever disk there is. */
const WAIT = { maxWaitTime: 900, minDelay: 1, maxDelay: 1 };
const images = new ImageFolder();
let server: ThawServer;
let functions: TestFunctions;

beforeAll(async () => {
  server = await startThaw({ args: ["--image-dir", images.path] });
  functions = new TestFunctions(server);
});
afterAll(async () => {
  await server.remove();
  images.remove();
});

/** What a layer counts for: its entries, and the folders that only a longer path names. */
function countOf(layer: Readonly<Record<string, LayerEntry>>): number {
  const names = new Set<string>();
  for (const path of Object.keys(layer)) {
    const parts = path.split("/");
    for (let length = 1; length <= parts.length; length++) names.add(parts.slice(0, length).join("/"));
  }
  return names.size;
}

function create(name: string): Promise<unknown> {
  const Code = { ImageUri: `oci:${name}:latest` };
  const input = { FunctionName: name, Role: ROLE, PackageType: "Image", Code, MemorySize: 256, Timeout: 60 } as const;
  return functions.lambda.send(new CreateFunctionCommand({ ...input, SnapStart: { ApplyOn: "PublishedVersions" } }));
}

test("an image of 100,000 files runs, in clones too, and one file more is refused and leaves nothing", async () => {
  const base = { ...systemLayer(), runtime: bashRuntime(true) };
  const left = ENTRIES_MAX - countOf(base) - FOLDERS - 1;
  const many = Object.fromEntries(
    Array.from({ length: left }, (_, at) => [`many/${at % FOLDERS}/${at}`, at === left - 1 ? "the last" : ""]),
  );
  expect(countOf(base) + countOf(many)).toBe(ENTRIES_MAX);
  const config = { Entrypoint: ["/runtime"], Env: ["PATH=/bin"] };
  const layers = [base, tarOf(many)];
  images.write("full", { layers, config, compression: "none" });
  images.write("over", { layers: [...layers, { more: "one more" }], config, compression: "none" });

  await create("full");
  await waitUntilFunctionActiveV2({ client: functions.lambda, ...WAIT }, { FunctionName: "full" });
  const last = `cat /many/${(left - 1) % FOLDERS}/${left - 1}`;
  expect((await functions.invoke("full", last)).payload).toBe("the last");
  const version = await functions.publish("full");
  expect((await functions.invoke("full", last, version)).payload).toBe("the last");

  const kept = (): unknown => ["code", "images"].map((each) => readdirSync(join(server.dataDir, each)).sort());
  const before = kept();
  await expect(create("over")).rejects.toThrow("it has more than 100000 files and folders");
  expect(kept()).toEqual(before);
  await expect(
    functions.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: "over" })),
  ).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});
