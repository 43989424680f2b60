/** What an extension that only registers adds to a cold start: the same function without it and with it, in turns. */
import { PublishLayerVersionCommand } from "@aws-sdk/client-lambda";
import { startThaw } from "../../tools/thaw-server.ts";
import { TestFunctions, zipOf } from "../support/functions.ts";
import type { Series } from "./series.ts";
import { coldInvokes, type Subject, type Timed } from "./subjects.ts";

const ROUNDS = 25;
const LEARNING = 4;

/**
 * Asks for its first event and never gets one. One small process: what an interpreter needs is not what is measured.
 */
const REGISTERS = `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/9001
printf 'POST /2020-01-01/extension/register HTTP/1.1\\r\\nHost: x\\r\\nLambda-Extension-Name: registers\\r\\nContent-Length: 2\\r\\n\\r\\n{}' >&3
while read -r -u 3 line && [ "$line" != $'\\r' ]; do
  case "\${line,,}" in lambda-extension-identifier:*) id=\${line#*: } id=\${id%$'\\r'} ;; esac
done
exec 4<>/dev/tcp/127.0.0.1/9001
printf 'GET /2020-01-01/extension/event/next HTTP/1.1\\r\\nHost: x\\r\\nLambda-Extension-Identifier: %s\\r\\n\\r\\n' "$id" >&4
read -r -u 4 line
`;

export async function measureExtensions(): Promise<Series[]> {
  const server = await startThaw({ args: ["--parked-clones", "0"] });
  try {
    const functions = new TestFunctions(server, { keepAlive: true });
    const layer = await functions.lambda.send(
      new PublishLayerVersionCommand({
        LayerName: "registers",
        Content: { ZipFile: await zipOf({ "extensions/registers": REGISTERS }) },
      }),
    );
    const make = async (layers: readonly string[]): Promise<[Subject, string]> => {
      const name = await functions.createSnapStart(
        { "index.py": "def handler(event, context):\n    return 1\n" },
        { Runtime: "python3.13", MemorySize: 1769, Layers: [...layers] },
      );
      return [{ label: name, name, event: {} }, await functions.publish(name)];
    };
    const subjects = [await make([]), await make([layer.LayerVersionArn ?? ""])] as const;
    for (const [subject, version] of subjects) await coldInvokes(functions, subject, version, LEARNING);
    const all: [Timed[], Timed[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++)
      for (const [index, [subject, version]] of subjects.entries())
        all[index === 0 ? 0 : 1].push(...(await coldInvokes(functions, subject, version, 1)));
    return [
      { name: "cold start without extensions, at the client", unit: "ms", values: all[0].map((each) => each.clientMs) },
      {
        name: "cold start with an extension that only registers, at the client",
        unit: "ms",
        values: all[1].map((each) => each.clientMs),
      },
    ];
  } finally {
    await server.remove();
  }
}
