// long: four starts of the server
/** A snapshot whose capture kills sandboxd each time is given up, and everything else works again. */
import { GetFunctionConfigurationCommand, PublishVersionCommand } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, it } from "vitest";
import { BUILD_TIMEOUT_MS, buildFaultBinaries } from "./fault-build.ts";
import { FaultHost } from "./fault-host.ts";
import { answersRight, createFunction, publishedFunction } from "./operations.ts";

const POINT = "take.dumped";
const LIVES = 3;

let host: FaultHost;

beforeAll(() => {
  buildFaultBinaries();
  host = new FaultHost();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await host.stop();
  host.remove();
});

it("is Failed after three lives of the server, and says why", { timeout: 240_000 }, async ({ expect }) => {
  await host.start();
  const neighbour = await publishedFunction(host);
  const name = await createFunction(host);
  host.note();
  host.control.arm(POINT, "kill");
  await host.functions.lambda.send(new PublishVersionCommand({ FunctionName: name }));
  await host.control.reached(POINT);
  await host.gone();
  for (let life = 2; life <= LIVES; life++) {
    host.control.arm(POINT, "kill");
    // It may end before it listens.
    const isUp = await host.start().then(
      () => true,
      () => false,
    );
    if (isUp) host.note();
    await host.control.reached(POINT);
    await host.gone();
  }
  host.control.arm(POINT, "kill");
  await host.start();
  const now = await host.until(`${name}:1 is decided`, async () => {
    const command = new GetFunctionConfigurationCommand({ FunctionName: name, Qualifier: "1" });
    const found = await host.functions.lambda.send(command);
    return found.State !== "Pending" && found;
  });
  expect(now).toMatchObject({ State: "Failed", StateReasonCode: "InternalError" });
  expect(now.StateReason).toContain("The server ended three times in a row");
  expect(host.control.hasReached(POINT)).toBe(false);
  await answersRight(host, neighbour);
});
