// matrix: a publish and two ends for each program
/**
 * Extensions made with the public library for Rust, and in Go as AWS's guide has it: in fresh environments and in
 * clones, with an invoke that fails and a shutdown.
 */
import { PublishLayerVersionCommand } from "@aws-sdk/client-lambda";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { type TestFunctions, zipOf } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";
import { BUILT } from "./packages.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
});

const CODE = `def handler(event, context):
    print("hello")
    if "end" in event: raise SystemExit(3)
    return context.aws_request_id
`;
const INIT = ["platform.initStart", "platform.telemetrySubscription", "platform.initRuntimeDone success"];
const RESTORE = ["platform.restoreStart", "platform.restoreRuntimeDone success", "platform.restoreReport success"];

const invoke = (status: string): readonly string[] => [
  "platform.start",
  "function hello",
  `platform.runtimeDone ${status}`,
  `platform.report ${status}`,
];
/** Records of an Init, an invoke and one that fails. `after`: what is between them, from the end of the Init on. */
const records = (...after: readonly string[]): readonly string[] => [
  ...INIT,
  "platform.extension",
  ...after,
  ...invoke("success"),
  ...invoke("error"),
];

/**
 * Records that each program gets, with their status. The Rust library knows none of a restore and refuses a batch that
 * has one, so that its extension leaves them out in clones, here as on AWS; nor does it know the status of the Init.
 */
const GOT = {
  "rust, fresh": records("platform.initReport"),
  "rust, clone": ["function hello", "function hello"],
  "go, fresh": records("platform.initReport success"),
  "go, clone": records("platform.initReport success", ...RESTORE),
} as const;

describe.each(Object.entries(GOT))("%s", (kind, expected) => {
  it("sees invokes, their telemetry and each end with its reason", async ({ expect, skip }) => {
    const [language = "", where] = kind.split(", ");
    const path = join(BUILT, language, "extension");
    if (language === "go" && statSync(path, { throwIfNoEntry: false }) === undefined)
      skip("Go was not there at the set-up");
    const ZipFile = await zipOf({ "extensions/sees": readFileSync(path) });
    const LayerName = `sees-${language}-${where}`;
    const layer = await functions.lambda.send(new PublishLayerVersionCommand({ LayerName, Content: { ZipFile } }));
    const TELEMETRY_TYPES = expected.length > 2 ? "platform,function" : "function";
    const name = await functions.createSnapStart(
      { "index.py": CODE },
      {
        Runtime: "python3.13",
        Layers: [layer.LayerVersionArn ?? ""],
        Environment: { Variables: { TELEMETRY_TYPES } },
      },
    );
    const version = where === "clone" ? await functions.publish(name) : "$LATEST";
    const { payload } = await functions.invoke(name, {}, version);
    await functions.atRest(name);
    const failed = await functions.invoke(name, { end: true }, version);
    expect(failed.payload).toMatchObject({ errorType: "Runtime.ExitError" });
    const said = async (what: string): Promise<string[]> =>
      (await functions.logs(name))
        .map(({ message }) => message.trimEnd())
        .filter((line) => line.startsWith(`${language} ${what} `))
        .map((line) => line.slice(`${language} ${what} `.length));
    const seen = await functions.eventually("the end is told", async () => {
      const lines = await said("saw");
      return lines.includes("SHUTDOWN failure") && lines;
    });
    expect(seen).toEqual([`INVOKE ${String(payload)}`, expect.stringMatching(/^INVOKE /), "SHUTDOWN failure"]);
    expect(await said("got")).toEqual(expected);
    await functions.invoke(name, {}, version);
    await functions.stopEnvironments(name);
    expect((await said("saw")).slice(3)).toEqual([expect.stringMatching(/^INVOKE /), "SHUTDOWN spindown"]);
    const lines = (await functions.logs(name)).map(({ message }) => message);
    expect(lines).toContain("EXTENSION\tName: sees\tState: Ready\tEvents: [INVOKE, SHUTDOWN]");
  });
});
