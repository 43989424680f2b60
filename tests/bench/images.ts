/** What a container image adds to a cold start: the same program as a package and as an image, in turns. */
import { CreateFunctionCommand, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";
import { ImageFolder } from "@thaw/server/testing/image-files";
import { startThaw } from "../../tools/thaw-server.ts";
import { ROLE, TestFunctions } from "../support/functions.ts";
import { bashRuntime, systemLayer } from "../support/images.ts";
import { inTurns } from "./extensions.ts";
import type { Series } from "./series.ts";
import { coldInvokes, type Subject } from "./subjects.ts";

const LEARNING = 4;
const SNAP_START = { SnapStart: { ApplyOn: "PublishedVersions" }, MemorySize: 1769, Timeout: 20 } as const;

export async function measureImages(): Promise<Series[]> {
  const images = new ImageFolder();
  const server = await startThaw({ args: ["--parked-clones", "0", "--image-dir", images.path] });
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const names = {
      "as a package": await createPackage(functions),
      "as an image": await createImage(functions, images),
    };
    const subjects: Array<readonly [Subject, string]> = [];
    for (const [label, name] of Object.entries(names)) {
      const subject = { label, name, event: "true" };
      const version = await functions.publish(name);
      await coldInvokes(functions, subject, version, LEARNING);
      subjects.push([subject, version]);
    }
    return await inTurns(functions, subjects);
  } finally {
    await server.remove();
    images.remove();
  }
}

function createPackage(functions: TestFunctions): Promise<string> {
  return functions.create({ bootstrap: bashRuntime(true) }, { Runtime: "provided.al2023", ...SNAP_START });
}

async function createImage(functions: TestFunctions, images: ImageFolder): Promise<string> {
  const config = { Entrypoint: ["/bootstrap"], Env: ["PATH=/bin"] };
  images.write("bench", { layers: [systemLayer(), { bootstrap: bashRuntime(true) }], config });
  const FunctionName = "bench-image";
  const Code = { ImageUri: "oci:bench:latest" };
  const input = { FunctionName, Role: ROLE, PackageType: "Image", Code, ...SNAP_START } as const;
  await functions.lambda.send(new CreateFunctionCommand(input));
  await waitUntilFunctionActiveV2({ client: functions.lambda, maxWaitTime: 60 }, { FunctionName });
  return FunctionName;
}
