// matrix: a publish and three clones for each application
/**
 * The Lambda Web Adapter with SnapStart: web applications that know nothing of Lambda, behind an extension that is the
 * runtime's client. They are called as any HTTP client calls a function URL, in clones.
 */
import { CreateAliasCommand } from "@aws-sdk/client-lambda";
import { describe, it } from "vitest";
import { makeFunctionUrl } from "../support/function-url.ts";
import { ADAPTED, type Application, adapterVariables, type InvokeMode, publishAdapterLayer } from "./packages.ts";
import { FrameworkFunctions, type Published } from "./published.ts";

const functions = new FrameworkFunctions();
/** 8 MiB: a response that is not streamed may have 6 MB. */
const PIECES = 128;

async function publish(
  { files, options }: Application,
  InvokeMode: InvokeMode,
): Promise<{ readonly version: Published; readonly url: string }> {
  const version = await functions.publish(files(), {
    ...options,
    Layers: [await publishAdapterLayer(functions.server)],
    Environment: { Variables: adapterVariables(InvokeMode) },
  });
  const FunctionName = version.name;
  await functions.server.lambda.send(
    new CreateAliasCommand({ FunctionName, Name: "live", FunctionVersion: version.version }),
  );
  const url = await makeFunctionUrl(functions.server, { FunctionName, Qualifier: "live", InvokeMode });
  return { version, url };
}

interface Numbers {
  readonly atStart: ReadonlyArray<string | number>;
  readonly now: ReadonlyArray<string | number>;
}

describe.each(ADAPTED)("$label", (application) => {
  it("answers requests in clones, each with its own random numbers", async ({ expect }) => {
    const { version, url } = await publish(application, "BUFFERED");
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
    const { url } = await publish(application, "RESPONSE_STREAM");
    const answer = await fetch(`${url}stream?pieces=${PIECES}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([202, expect.stringMatching(/^text\/plain/)]);
    const body = await answer.text();
    expect([body.length, body.slice(-4)]).toEqual([PIECES * 65_536 + 3, "xend"]);
  });
});
