// matrix: a publish and three clones for each application
/**
 * The Lambda Web Adapter with SnapStart: web applications that know nothing of Lambda, behind an extension that is the
 * runtime's client. They are called as any HTTP client calls a function URL, in clones.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CreateAliasCommand, PublishLayerVersionCommand } from "@aws-sdk/client-lambda";
import { describe, it } from "vitest";
import { makeFunctionUrl } from "../support/function-url.ts";
import { type Files, zipOf } from "../support/functions.ts";
import { BUILT, FrameworkFunctions, filesBelow, type Published, pythonLibraries, source } from "./published.ts";

const functions = new FrameworkFunctions();
const PORT = "8000";
/** 8 MiB: a response that is not streamed may have 6 MB. */
const PIECES = 128;

async function adapterLayer(): Promise<string> {
  const files = {
    bootstrap: source("web-adapter/bootstrap"),
    "extensions/lambda-adapter": readFileSync(join(BUILT, "web-adapter/extensions/lambda-adapter")),
  };
  const { LayerVersionArn } = await functions.server.lambda.send(
    new PublishLayerVersionCommand({ LayerName: "web-adapter", Content: { ZipFile: await zipOf(files) } }),
  );
  return LayerVersionArn ?? "";
}

interface Application {
  readonly version: Published;
  readonly url: string;
}

async function publish(
  files: Files,
  Runtime: "nodejs24.x" | "python3.13",
  mode: "BUFFERED" | "RESPONSE_STREAM",
): Promise<Application> {
  const version = await functions.publish(files, {
    Runtime,
    Handler: "bin/run",
    MemorySize: 512,
    Layers: [await adapterLayer()],
    Environment: {
      Variables: {
        AWS_LAMBDA_EXEC_WRAPPER: "/opt/bootstrap",
        AWS_LWA_PORT: PORT,
        AWS_LWA_INVOKE_MODE: mode,
      },
    },
  });
  const FunctionName = version.name;
  await functions.server.lambda.send(
    new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: version.version }),
  );
  const url = await makeFunctionUrl(functions.server, { FunctionName, Qualifier: "live", InvokeMode: mode });
  return { version, url };
}

const express = (mode: "BUFFERED" | "RESPONSE_STREAM"): Promise<Application> =>
  publish(
    {
      ...filesBelow(join(BUILT, "node")),
      "server.mjs": source("web-adapter/server.mjs"),
      "bin/run": "#!/bin/bash\nexec node server.mjs\n",
    },
    "nodejs24.x",
    mode,
  );

const fastApi = (mode: "BUFFERED" | "RESPONSE_STREAM"): Promise<Application> =>
  publish(
    {
      ...pythonLibraries({ hasPandas: false }),
      "server.py": source("web-adapter/server.py"),
      "bin/run": `#!/bin/bash\nexec python -m uvicorn --port ${PORT} server:app\n`,
    },
    "python3.13",
    mode,
  );

interface Numbers {
  readonly atStart: ReadonlyArray<string | number>;
  readonly now: ReadonlyArray<string | number>;
}

describe.each([
  ["Express", express],
  ["FastAPI with uvicorn", fastApi],
])("%s", (_name, make) => {
  it("answers requests in clones, each with its own random numbers", async ({ expect }) => {
    const { version, url } = await make("BUFFERED");
    const read = await fetch(`${url}pets/1?lang=de`);
    expect([read.status, await read.json()]).toEqual([200, { id: "1", lang: "de" }]);
    const created = await fetch(`${url}pets`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "Mia" }),
    });
    expect([created.status, await created.json()]).toEqual([201, { name: "Mia" }]);
    expect(created.headers.getSetCookie()).toEqual([expect.stringMatching(/^session=s1/)]);
    const numbers = async (): Promise<Numbers> => (await (await fetch(`${url}numbers`)).json()) as Numbers;
    const one = await numbers();
    await version.endClones();
    const another = await numbers();
    // What Init drew is in the snapshot; what is drawn after it is not.
    expect(another.atStart).toEqual(one.atStart);
    expect(new Set([...one.now, ...another.now]).size).toBe(4);
  });

  it("streams what is larger than a buffered response may be", async ({ expect }) => {
    const { url } = await make("RESPONSE_STREAM");
    const answer = await fetch(`${url}stream?pieces=${PIECES}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([202, expect.stringMatching(/^text\/plain/)]);
    const body = await answer.text();
    expect([body.length, body.slice(-4)]).toEqual([PIECES * 65_536 + 3, "xend"]);
  });
});
