/** All of Thaw dies while an image is unpacked: nothing of it stays, and the next life makes the function. */
import { CreateFunctionCommand, GetFunctionCommand, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";
import { buildImage } from "@thaw/server/testing/image-files";
import { readdirSync, statSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ROLE, TestFunctions, WAIT } from "../support/functions.ts";
import { bashRuntime, systemLayer } from "../support/images.ts";

const BUILT = buildImage({
  layers: [systemLayer(), { runtime: bashRuntime(true) }],
  config: { Entrypoint: ["/runtime"] },
  compression: "none",
});
const [, , SYSTEM] = BUILT.blobs;
let registry: Server;
let server: ThawServer | undefined;
/** Told of each request for the layer with the system; it may send what it likes. */
let sendSystem: (response: ServerResponse) => void;

beforeAll(async () => {
  registry = createServer((request, response) => {
    const path = request.url ?? "";
    if (path.includes("/manifests/")) {
      response.writeHead(200, { "content-type": BUILT.mediaType }).end(BUILT.manifest.content);
      return;
    }
    const blob = BUILT.blobs.find(({ digest }) => path.endsWith(digest));
    response.writeHead(blob === undefined ? 404 : 200);
    if (blob !== undefined && blob === SYSTEM) sendSystem(response);
    else response.end(blob?.content);
  });
  await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await server?.remove();
  registry.closeAllConnections();
  await new Promise((resolve) => registry.close(resolve));
});

/** Without the launcher the server ends by itself, and does not wait for the registry; else it can do nothing more. */
test.each(["launcher", "server"] as const)(
  "nothing is left where the %s is killed, and the next life takes the image",
  async (who) => {
    const { port } = registry.address() as AddressInfo;
    const args = ["--image-registry", `images.example=http://127.0.0.1:${port}`];
    const begun = new Promise<void>((resolve) => {
      sendSystem = (response) => {
        const content = SYSTEM?.content ?? Buffer.alloc(0);
        response.write(content.subarray(0, content.length / 2), () => resolve());
      };
    });
    const first = await startThaw({ args });
    server = first;
    const create = ({ lambda }: TestFunctions): Promise<unknown> =>
      lambda.send(
        new CreateFunctionCommand({
          FunctionName: "hello",
          Role: ROLE,
          PackageType: "Image",
          Code: { ImageUri: "images.example/hello:1" },
          Timeout: 120,
        }),
      );
    const functions = new TestFunctions(first);
    const creating = create(functions).then(
      () => "created",
      () => "lost",
    );
    await begun;
    const unpacked = (): readonly string[] => readdirSync(join(first.dataDir, "images"));
    await functions.eventually("the half that was sent is unpacked", async () =>
      unpacked().some((name) => sizeBelow(join(first.dataDir, "images", name)) > (SYSTEM?.size ?? 0) / 4),
    );
    await first.kill(who);
    expect(await creating).toBe("lost");
    expect(unpacked()).toHaveLength(who === "launcher" ? 0 : 1);

    server = await startThaw({ args, previous: first });
    const next = new TestFunctions(server);
    expect([unpacked(), readdirSync(join(first.dataDir, "code"))]).toEqual([[], []]);
    await expect(next.lambda.send(new GetFunctionCommand({ FunctionName: "hello" }))).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
    sendSystem = (response) => response.end(SYSTEM?.content);
    await create(next);
    await waitUntilFunctionActiveV2({ client: next.lambda, ...WAIT }, { FunctionName: "hello" });
    expect((await next.invoke("hello", "echo lives")).payload).toBe("lives");
    await server.remove();
    server = undefined;
  },
);

function sizeBelow(dir: string): number {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  // One that has got another name meanwhile is counted the next time.
  const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return files.reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0);
}
