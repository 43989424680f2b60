/** Container images from a real registry, with a real client and real sandboxes. */
import {
  CreateFunctionCommand,
  GetFunctionCommand,
  UpdateFunctionCodeCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { buildImage, type BuiltImage, ImageFolder } from "@thaw/server/testing/image-files";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { ROLE, TestFunctions, WAIT } from "../support/functions.ts";
import { CREDENTIALS, ImageRegistry, noRegistry } from "../support/image-registry.ts";
import { bashRuntime, systemLayer } from "../support/images.ts";

/** The name that a template has for AWS's registry; the operator says that it is somewhere else. */
const ECR = "000000000000.dkr.ecr.us-east-1.amazonaws.com";
const URI = `${ECR}/team/hello:latest`;

describe.skipIf(noRegistry !== null)(`a registry ${noRegistry ?? ""}`, () => {
  const folder = new ImageFolder();
  const authFile = join(folder.path, "auth.json");
  const setCredentials = (auth: string): void =>
    writeFileSync(authFile, JSON.stringify({ auths: { [ECR]: { auth } } }), { mode: 0o644 });
  let registry: ImageRegistry;
  let server: ThawServer;
  let functions: TestFunctions;

  beforeAll(async () => {
    setCredentials(CREDENTIALS);
    chmodSync(authFile, 0o644);
    registry = await ImageRegistry.start();
    const args = ["--image-registry", `${ECR}=${registry.url}`, "--registry-auth", authFile];
    server = await startThaw({ args });
    functions = new TestFunctions(server);
  });
  afterAll(async () => {
    await server.remove();
    await registry.stop();
    folder.remove();
  });

  const SYSTEM = systemLayer();
  const imageOf = (version: string): BuiltImage =>
    buildImage({ layers: [SYSTEM, { runtime: bashRuntime(true), version }], config: { Entrypoint: ["/runtime"] } });
  const create = (FunctionName: string, ImageUri: string): Promise<unknown> =>
    functions.lambda.send(
      new CreateFunctionCommand({ FunctionName, Role: ROLE, PackageType: "Image", Code: { ImageUri }, Timeout: 120 }),
    );

  test("an image is taken by its tag as it is now, and with credentials as they are now", async () => {
    const first = imageOf("first");
    await registry.push("team/hello", "latest", first);
    await create("hello", URI);
    const client = functions.lambda;
    await waitUntilFunctionActiveV2({ client, ...WAIT }, { FunctionName: "hello" });
    await registry.push("team/hello", "latest", imageOf("second"));
    expect((await functions.invoke("hello", "cat /version")).payload).toBe("first");
    const { Code, Configuration } = await client.send(new GetFunctionCommand({ FunctionName: "hello" }));
    const ResolvedImageUri = `${ECR}/team/hello@${first.manifest.digest}`;
    expect(Code).toEqual({ RepositoryType: "ECR", ImageUri: URI, ResolvedImageUri });
    expect(Configuration).toMatchObject({ PackageType: "Image", CodeSha256: first.manifest.digest.slice(7) });
    const update = (ImageUri: string): Promise<unknown> =>
      client.send(new UpdateFunctionCodeCommand({ FunctionName: "hello", ImageUri }));
    setCredentials(Buffer.from("user:wrong").toString("base64"));
    await expect(update(URI)).rejects.toMatchObject({
      name: "AccessDeniedException",
      message: expect.stringMatching(
        /^Lambda does not have permission to access the ECR image\. Check the ECR permissions\./,
      ),
    });
    setCredentials(CREDENTIALS);
    await update(URI);
    await waitUntilFunctionUpdatedV2({ client, ...WAIT }, { FunctionName: "hello" });
    expect((await functions.invoke("hello", "cat /version")).payload).toBe("second");
    await update(ResolvedImageUri);
    await waitUntilFunctionUpdatedV2({ client, ...WAIT }, { FunctionName: "hello" });
    expect((await functions.invoke("hello", "cat /version")).payload).toBe("first");
  });

  test("what is not there, or in no registry that the operator named, is refused in AWS's words", async () => {
    await expect(create("none", `${ECR}/team/hello:none`)).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: `Source image ${ECR}/team/hello:none does not exist. Provide a valid source image.`,
    });
    await expect(create("none", `${new URL(registry.url).host}/team/hello:latest`)).rejects.toMatchObject({
      name: "AccessDeniedException",
    });
    await expect(create("none", "oci:/etc")).rejects.toMatchObject({ name: "AccessDeniedException" });
  });
});
