/** Container images, with a real client and real sandboxes: from folders and archives, fresh and restored. */
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  GetFunctionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { ImageFolder, type ImageParts } from "@thaw/server/testing/image-files";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ROLE, TestFunctions, WAIT } from "../support/functions.ts";
import { bashRuntime, systemLayer } from "../support/images.ts";

const SYSTEM = systemLayer();
const LABEL = { "com.amazonaws.lambda.feature.snapstart": "Allow" };
const images = new ImageFolder();
let server: ThawServer;
let functions: TestFunctions;
let count = 0;

beforeAll(async () => {
  server = await startThaw({ args: ["--image-dir", images.path] });
  functions = new TestFunctions(server);
});
afterAll(async () => {
  await server.remove();
  images.remove();
});

/** An image with the small system and a runtime that carries out commands. */
function bashImage(changes: Partial<ImageParts> = {}): ImageParts {
  return {
    config: {
      Entrypoint: ["/runtime"],
      Cmd: ["of-image"],
      WorkingDir: "/var/task",
      Env: ["OF_IMAGE=1", "PATH=/bin"],
      // Without effect: the user is the function's, and the root is read-only.
      User: "0:0",
      Volumes: { "/var": {} },
      ExposedPorts: { "8080/tcp": {} },
    },
    ...changes,
    layers: [SYSTEM, { "var/task/": "", runtime: bashRuntime(true) }, ...(changes.layers ?? [])],
  };
}

async function create(uri: string, options: Partial<CreateFunctionCommandInput> = {}): Promise<string> {
  const FunctionName = `image-${++count}`;
  const input = { FunctionName, Role: ROLE, PackageType: "Image" as const, MemorySize: 256, Timeout: 120, ...options };
  await functions.lambda.send(new CreateFunctionCommand({ ...input, Code: { ImageUri: uri } }));
  await waitUntilFunctionActiveV2({ client: functions.lambda, ...WAIT }, { FunctionName });
  return FunctionName;
}

const run = async (name: string, command: string, qualifier?: string): Promise<unknown> =>
  (await functions.invoke(name, command, qualifier)).payload;

test("an image runs as it says, with what the function puts over it, read-only", async () => {
  const built = images.write("hello", bashImage());
  const name = await create("oci:hello:latest", { Environment: { Variables: { OWN: "2", OF_IMAGE: "over" } } });
  expect(await run(name, "echo $started $PWD $OWN $OF_IMAGE $AWS_LAMBDA_FUNCTION_NAME $LAMBDA_TASK_ROOT")).toBe(
    `of-image /var/task 2 over ${name}`,
  );
  expect(await run(name, "echo x >/var/task/x")).toContain("Read-only file system");
  expect(await run(name, "echo x >/tmp/x && cat /tmp/x")).toBe("x");
  expect(await run(name, "id -u")).toMatch(/^[1-9]\d*$/);
  expect(await run(name, "cat /etc/passwd")).toBe("root:x:0:0:root:/root:/bin/sh");
  expect(await run(name, "ls /")).toBe(
    ["bin", "dev", "etc", "lib", "lib64", "mnt", "proc", "run", "runtime", "tmp", "usr", "var"].join("\n"),
  );
  const hex = built.manifest.digest.slice(7);
  expect((await functions.lambda.send(new GetFunctionCommand({ FunctionName: name }))).Code).toEqual({
    RepositoryType: "ECR",
    ImageUri: "oci:hello:latest",
    ResolvedImageUri: `oci:hello@sha256:${hex}`,
  });
  await functions.lambda.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName: name,
      ImageConfig: { EntryPoint: ["bash", "/runtime"], Command: ["own"], WorkingDirectory: "/usr" },
    }),
  );
  await waitUntilFunctionUpdatedV2({ client: functions.lambda, ...WAIT }, { FunctionName: name });
  expect(await run(name, "echo $started $PWD")).toBe("own /usr");
});

test("a tag is resolved once: a later image comes with the next update of the code", async () => {
  images.write("moving", bashImage({ layers: [{ version: "first" }] }));
  const name = await create("oci:moving:latest");
  images.write("moving", bashImage({ layers: [{ version: "second" }] }));
  expect(await run(name, "cat /version")).toBe("first");
  await functions.stopEnvironments(name);
  expect(await run(name, "cat /version")).toBe("first");
  await functions.lambda.send(new UpdateFunctionCodeCommand({ FunctionName: name, ImageUri: "oci:moving:latest" }));
  await waitUntilFunctionUpdatedV2({ client: functions.lambda, ...WAIT }, { FunctionName: name });
  expect(await run(name, "cat /version")).toBe("second");
});

test("clones of a snapshot have the image, and a sandbox each", async () => {
  images.write("snap", bashImage());
  const name = await create("oci:snap:latest", { SnapStart: { ApplyOn: "PublishedVersions" } });
  const version = await functions.publish(name);
  const clones: unknown[] = [];
  for (let clone = 0; clone < 2; clone++) {
    clones.push(await run(name, "echo $started; cat /proc/sys/kernel/random/boot_id", version));
    await functions.stopEnvironments(name);
  }
  for (const seen of clones) expect(seen).toMatch(/^of-image\n[0-9a-f-]{36}$/);
  expect(new Set(clones).size).toBe(2);
});

test("an image whose runtime has no hooks needs the label to be published with SnapStart", async () => {
  const layers = [{ runtime: bashRuntime(false) }];
  images.write("plain", bashImage({ layers }));
  images.write("plain", bashImage({ layers, tag: "labelled", config: { Entrypoint: ["/runtime"], Labels: LABEL } }));
  const SnapStart = { ApplyOn: "PublishedVersions" as const };
  const labelled = await create("oci:plain:labelled", { SnapStart });
  expect(await run(labelled, "echo restored", await functions.publish(labelled))).toBe("restored");
  const name = await create("oci:plain:latest", { SnapStart });
  await functions.publish(name).catch(() => undefined);
  expect(await functions.decided(name, "1")).toMatchObject({
    State: "Failed",
    StateReason: "An error occurred during function initialization.",
    StateReasonCode: "FunctionError",
  });
});

test("layers go over one another: whiteouts, opaque folders, links in place of folders, modes and times", async () => {
  images.write(
    "layered",
    bashImage({
      layers: [
        {
          "a/kept": "kept",
          "a/gone": "gone",
          "b/old": "old",
          "b/deep/old": "old",
          "c/file": "file",
          d: { type: "SymbolicLink", linkpath: "/etc" },
          "e/private": { content: "private", mode: 0o600 },
          "e/closed/": { mode: 0o700 },
        },
        {
          "a/.wh.gone": "",
          "b/.wh..wh..opq": "",
          "b/new": "new",
          c: { type: "SymbolicLink", linkpath: "a" },
          "d/inside": "inside",
          "d/.wh.passwd": "",
          hard: { type: "Link", linkpath: "b/new" },
          "dev/null": { type: "CharacterDevice", devmaj: 1, devmin: 3 },
        },
      ],
    }),
  );
  const name = await create("oci:layered:latest");
  expect(await run(name, "ls /a /b /c/ /d; cat /hard /c/kept /etc/passwd")).toBe(
    "/a:\nkept\n\n/b:\nnew\n\n/c/:\nkept\n\n/d:\ninside\nnewkeptroot:x:0:0:root:/root:/bin/sh",
  );
  expect(await run(name, "cat /e/private; ls /e/closed; stat -c %Y:%a /a/kept")).toBe(
    "cat: /e/private: Permission denied\nls: cannot open directory '/e/closed': Permission denied\n1000000000:644",
  );
});

test("images share what they have in common, on disk and among the archives' forms", async () => {
  images.write("one", bashImage({ layers: [{ own: "1" }], compression: "zstd" }));
  images.write("two", bashImage({ layers: [{ own: "2" }] }));
  images.pack("two", "two.tar");
  images.writeDocker("three.tar", bashImage({ layers: [{ own: "3" }] }));
  const uris = ["oci:one:latest", "oci-archive:two.tar:latest", "docker-archive:three.tar"];
  const names = await Promise.all(uris.map((uri) => create(uri)));
  expect(await Promise.all(names.map((name) => run(name, "cat /own")))).toEqual(["1", "2", "3"]);
  const roots = readdirSync(join(server.dataDir, "code")).filter((name) => name.startsWith("image-"));
  const inodes = new Set(roots.map((root) => statSync(join(server.dataDir, "code", root, "usr/bin/bash")).ino));
  expect(inodes.size).toBe(1);
  expect(readdirSync(join(server.dataDir, "images")).filter((name) => name.startsWith("."))).toEqual([]);
});

test.each([
  [{ EntryPoint: ["/nowhere"] }, "Runtime.InvalidEntrypoint", "fork/exec /nowhere: no such file or directory"],
  [{ EntryPoint: ["nowhere"] }, "Runtime.InvalidEntrypoint", 'exec: "nowhere": executable file not found in $PATH'],
  [{ EntryPoint: ["/etc/passwd"] }, "Runtime.InvalidEntrypoint", "fork/exec /etc/passwd: permission denied"],
  [
    { EntryPoint: ["/bin/bash", "/runtime"], WorkingDirectory: "/nowhere" },
    "Runtime.InvalidWorkingDir",
    "chdir /nowhere: no such file or directory",
  ],
  [
    { EntryPoint: ["/runtime"], WorkingDirectory: "/nowhere" },
    "Runtime.InvalidWorkingDir",
    "chdir /nowhere: no such file or directory",
  ],
  [
    { EntryPoint: ["nowhere"], WorkingDirectory: "/runtime" },
    "Runtime.InvalidWorkingDir",
    "chdir /runtime: not a directory",
  ],
])("what can't be started says so in AWS's line: %j", async (ImageConfig, errorType, text) => {
  images.write("hello", bashImage());
  const name = await create("oci:hello:latest", { ImageConfig });
  expect((await functions.invoke(name, "true")).payload).toMatchObject({ errorType });
  const lines = await functions.logs(name);
  const { EntryPoint, WorkingDirectory = "/var/task" } = ImageConfig as {
    EntryPoint: string[];
    WorkingDirectory?: string;
  };
  const line = `IMAGE\tLaunch error: ${text}\tEntrypoint: [${EntryPoint.join(",")}]\tCmd: [of-image]\tWorkingDir: [${WorkingDirectory}]`;
  expect(lines.map(({ message }) => message)).toContain(line);
});
