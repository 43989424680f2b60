import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tarOf, ImageFolder, type ImageParts } from "../testing/image-files.ts";
import { ALL_ROOM, watchRoom } from "../base/disk-room.ts";
import { FakeClock, settle } from "../base/testing/fake-clock.ts";
import { withArchive } from "./archive.ts";
import { createImageSource } from "./image-source.ts";

let folder: ImageFolder;
beforeEach(() => {
  folder = new ImageFolder();
});
afterEach(() => folder.remove());

const HELLO: ImageParts = { layers: [{ hello: "hello" }], config: { Entrypoint: ["/hello"], Env: ["A=b=c"] } };

function find(uri: string, directory: string | null = join(folder.path, "images")): Promise<unknown> {
  const scratchDir = join(folder.path, "scratch");
  const source = createImageSource({
    directory,
    registries: new Map(),
    authFile: null,
    scratchDir,
    watchRoom: () => ALL_ROOM,
    clock: new FakeClock(),
  });
  return source.withImage(uri, async (image) => {
    for (const layer of image.layers) for await (const _ of await image.open(layer)) continue;
    return image;
  });
}

test("an image is found by its tag, or without one where it is the only one", async () => {
  const built = folder.write("images/hello", HELLO);
  const digest = built.manifest.digest.slice(7);
  const expected = {
    uri: "oci:hello",
    resolvedUri: `oci:hello@sha256:${digest}`,
    digest,
    start: { entryPoint: ["/hello"], command: null, workingDirectory: null },
    environment: { A: "b=c" },
    allowsSnapStart: false,
  };
  expect(await find("oci:hello")).toMatchObject(expected);
  folder.write("images/hello", { ...HELLO, layers: [{ hello: "other" }], tag: "other" });
  expect(await find("oci:hello:latest")).toMatchObject({ digest });
  await expect(find("oci:hello")).rejects.toThrow("there are several such images: name one by its tag");
  await expect(find("oci:hello:nowhere")).rejects.toThrow("Source image oci:hello:nowhere does not exist.");
});

test("archives are laid out for as long as they are read", async () => {
  const { manifest } = folder.write("images/hello", HELLO);
  folder.pack("images/hello", "images/hello.tar");
  folder.writeDocker("images/docker.tar", HELLO);
  expect(await find("oci-archive:hello.tar")).toMatchObject({ digest: manifest.digest.slice(7) });
  expect(await find("docker-archive:docker.tar:latest")).toMatchObject({ start: { entryPoint: ["/hello"] } });
  await expect(find("docker-archive:docker.tar:other")).rejects.toThrow("does not exist");
  expect(readdirSync(join(folder.path, "scratch"))).toEqual([]);
});

test("only what lies below the operator's directory is read", async () => {
  folder.write("outside", HELLO);
  mkdirSync(join(folder.path, "images"));
  symlinkSync(join(folder.path, "outside"), join(folder.path, "images/link"));
  writeFileSync(join(folder.path, "images/file"), "");
  const outside = [
    "oci:../outside",
    `oci:${folder.path}/outside`,
    "oci:link",
    "oci-archive:/etc/passwd",
    "oci:/nowhere",
  ];
  for (const uri of outside) await expect(find(uri)).rejects.toMatchObject({ name: "AccessDeniedException" });
  await expect(find("oci:hello", null)).rejects.toThrow("name their directory with --image-dir DIR");
  await expect(find("r.example/hello:1")).rejects.toThrow("name it with --image-registry r.example");
  for (const uri of ["oci:nowhere", "oci:file", "oci-archive:nowhere.tar"])
    await expect(find(uri)).rejects.toThrow("does not exist. Provide a valid source image.");
});

const SPOILT: ReadonlyArray<readonly [string, string, Partial<ImageParts>]> = [
  ["another architecture", "it is for linux/arm64, and this host runs linux/amd64", { architecture: "arm64" }],
  [
    "a list of images",
    "it is a list of images for several platforms",
    { spoil: ({ manifest }) => Object.assign(manifest, { mediaType: "application/vnd.oci.image.index.v1+json" }) },
  ],
  [
    "an unknown manifest",
    "its manifest is application/vnd.docker.distribution.manifest.v1+json",
    { spoil: ({ manifest }) => (manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v1+json") },
  ],
  [
    "an unknown configuration",
    "its configuration is application/vnd.helm",
    { spoil: ({ manifest }) => (manifest["config"] = { mediaType: "application/vnd.helm" }) },
  ],
  [
    "an unknown layer",
    "a layer is application/vnd.oci.image.layer.v1.tar+br",
    {
      spoil: ({ manifest }) => {
        const [layer] = manifest["layers"] as Array<Record<string, unknown>>;
        if (layer !== undefined) layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar+br";
      },
    },
  ],
  ["no layers", "it has no layers", { layers: [] }],
  ["too many layers", "it has more than 127 layers", { layers: Array.from({ length: 128 }, () => ({ a: "" })) }],
  [
    "another number of layers",
    "names another number of layers than its manifest",
    { spoil: ({ config }) => (config["rootfs"] = { diff_ids: [] }) },
  ],
  [
    "a digest that leads out",
    "the digest of its configuration is not sha256: and 64 hexadecimal digits",
    { spoil: ({ manifest }) => (manifest["config"] = { digest: "sha256:../../../etc/passwd" }) },
  ],
  [
    "a configuration with another digest",
    "the blob of its configuration is missing",
    { spoil: ({ manifest }) => (manifest["config"] = { digest: `sha256:${"0".repeat(64)}` }) },
  ],
  [
    "a configuration of another size",
    "its configuration has another size than it is said to have",
    { spoil: ({ manifest }) => (manifest["config"] = { size: 1 }) },
  ],
  ["an entry point that is none", "its Entrypoint is no list of texts", { config: { Entrypoint: "/bin/sh" } }],
  ["variables without a name", "a line of its Env has no name", { config: { Env: ["=x"] } }],
  [
    "many arguments of nothing",
    "its Cmd is longer than 65536 bytes",
    { config: { Cmd: Array.from({ length: 70_000 }, () => "") } },
  ],
  ["long arguments", "its Entrypoint is longer than 65536 bytes", { config: { Entrypoint: ["€".repeat(22_000)] } }],
  [
    "a long working directory",
    "its WorkingDir is longer than 4095 bytes",
    { config: { WorkingDir: "/x".repeat(2048) } },
  ],
  ["too many variables", "more than 1000 variables", { config: { Env: Array.from({ length: 1001 }, () => "A=b") } }],
];

test.each(SPOILT)("%s is refused", async (_what, text, changes) => {
  folder.write("images/bad", { ...HELLO, ...changes });
  await expect(find("oci:bad")).rejects.toThrow(text);
});

test("a damaged layout or archive is refused, and its content is not told", async () => {
  const built = folder.write("images/hello", HELLO);
  const blob = join(folder.path, "images/hello/blobs/sha256", built.manifest.digest.slice(7));
  writeFileSync(blob, "secret");
  await expect(find("oci:hello")).rejects.toThrow("the blob of its manifest has another digest than its name");
  rmSync(blob);
  await expect(find("oci:hello")).rejects.toThrow("the blob of its manifest is missing");
  writeFileSync(join(folder.path, "images/hello/index.json"), "secret");
  const failure = find("oci:hello");
  await expect(failure).rejects.toThrow("its index.json is not a JSON object");
  await expect(failure).rejects.not.toThrow("secret");
  const archives: Record<string, Buffer> = {
    "text.tar": Buffer.from("no archive".repeat(100)),
    "cut.tar": tarOf({ "index.json": "x".repeat(5000) }).subarray(0, 1024),
    "gzip.tar": Buffer.from([0x1f, 0x8b, 1, 2, 3]),
    "link.tar": tarOf({ "index.json": { type: "SymbolicLink", linkpath: "/etc/passwd" } }),
    "empty.tar": tarOf({}),
    "names.tar": tarOf({ "manifest.json": '[{"Config":"../../etc/passwd","Layers":[]}]' }),
  };
  for (const [name, content] of Object.entries(archives)) {
    writeFileSync(join(folder.path, "images", name), content);
    await expect(find(`oci-archive:${name}`)).rejects.toThrow("is not valid");
  }
  expect(readdirSync(join(folder.path, "scratch"))).toEqual([]);
});

test("an archive with endless zeros behind its end is refused, and nothing is left", async () => {
  mkdirSync(join(folder.path, "images"));
  const path = join(folder.path, "images/bomb.tar");
  writeFileSync(path, gzipSync(Buffer.concat([tarOf({ "index.json": "{}" }), Buffer.alloc(64 * 1024 * 1024)])));
  const scratch = join(folder.path, "scratch");
  const laid = withArchive(
    "oci-archive:bomb.tar",
    path,
    scratch,
    async () => "laid out",
    new AbortController().signal,
    ALL_ROOM,
    16 * 1024 * 1024,
  );
  await expect(laid).rejects.toThrow("its archive is too large");
  expect(readdirSync(scratch)).toEqual([]);
});

test("an archive that would leave too little of the disk is refused as on a full one, and nothing is left", async () => {
  mkdirSync(join(folder.path, "images"));
  const path = join(folder.path, "images/large.tar");
  const blob = Buffer.alloc(80 * 1024 * 1024);
  writeFileSync(path, gzipSync(tarOf({ [`blobs/sha256/${"0".repeat(64)}`]: blob })));
  const scratch = join(folder.path, "scratch");
  const laidOut = (free: number): Promise<string> =>
    withArchive(
      "oci-archive:large.tar",
      path,
      scratch,
      async () => "laid out",
      new AbortController().signal,
      watchRoom(() => free, 512),
    );
  await expect(laidOut(511)).rejects.toMatchObject({ code: "ENOSPC" });
  expect(await laidOut(512)).toBe("laid out");
  expect(readdirSync(scratch)).toEqual([]);
});

test("no more than four images are read at a time", async () => {
  folder.write("images/hello", HELLO);
  const directory = join(folder.path, "images");
  const scratchDir = join(folder.path, "scratch");
  const source = createImageSource({
    directory,
    registries: new Map(),
    authFile: null,
    scratchDir,
    watchRoom: () => ALL_ROOM,
    clock: new FakeClock(),
  });
  let [now, most] = [0, 0];
  const { promise: four, resolve } = Promise.withResolvers<void>();
  const use = async (): Promise<void> => {
    most = Math.max(most, ++now);
    if (now === 4) resolve();
    await four;
    // A fifth one would come in these turns.
    for (let turn = 0; turn < 20; turn++) await settle();
    now--;
  };
  await Promise.all(Array.from({ length: 12 }, () => source.withImage("oci:hello", use)));
  expect(most).toBe(4);
});

test("images in files do not wait for registries that hang", async () => {
  folder.write("images/hello", HELLO);
  const { promise: four, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  const hanging = createServer(() => void (++asked === 4 && resolve()));
  await new Promise<void>((listening) => hanging.listen(0, "127.0.0.1", listening));
  const source = createImageSource({
    directory: join(folder.path, "images"),
    registries: new Map([["r.example", new URL(`http://127.0.0.1:${(hanging.address() as AddressInfo).port}`)]]),
    authFile: null,
    scratchDir: join(folder.path, "scratch"),
    watchRoom: () => ALL_ROOM,
    clock: new FakeClock(),
  });
  const far = Array.from({ length: 6 }, () => source.withImage("r.example/app:1", async () => "found"));
  const settled = Promise.allSettled(far);
  await four;
  expect(await source.withImage("oci:hello", async ({ uri }) => uri)).toBe("oci:hello");
  expect(asked).toBe(4);
  source.close();
  expect((await settled).map(({ status }) => status)).toEqual(far.map(() => "rejected"));
  hanging.closeAllConnections();
  await new Promise((closed) => hanging.close(closed));
});
