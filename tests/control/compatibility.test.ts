/** File systems: what is refused, and how they are shown. */
import { expect, test } from "vitest";
import { ACCESS_POINT } from "../support/access-point.ts";
import { ControlHarness } from "./harness.ts";

const FUNCTIONS = { f: { handle: (): string => "1" } };
const MAPPED = { FileSystemConfigs: [{ Arn: ACCESS_POINT, LocalMountPath: "/mnt/data" }] };

test("SnapStart and file systems do not go together, in either order and either parity", async () => {
  for (const parity of ["strict", "extended"] as const) {
    const harness = await ControlHarness.start({ functions: FUNCTIONS, parity });
    const refused = {
      name: "InvalidParameterValueException",
      message: "FileSystemConfigs is not supported for SnapStart enabled functions.",
    };
    await expect(harness.create("f", "f", { config: MAPPED })).rejects.toMatchObject(refused);
    await harness.create("f", "f");
    await expect(harness.call("UpdateFunctionConfiguration", { FunctionName: "f", ...MAPPED })).rejects.toMatchObject(
      refused,
    );
    await harness.end();
  }
});

test("a file system is shown as it was given, and taken away by an empty list", async () => {
  const harness = await ControlHarness.start({ functions: FUNCTIONS });
  await harness.create("f", "f", { snapStart: false, config: MAPPED });
  expect(await harness.call("GetFunctionConfiguration", { FunctionName: "f" })).toMatchObject(MAPPED);
  await harness.call("UpdateFunctionConfiguration", { FunctionName: "f", FileSystemConfigs: [] });
  expect(await harness.call("GetFunctionConfiguration", { FunctionName: "f" })).not.toHaveProperty("FileSystemConfigs");
  await harness.end();
});

test.for([
  [
    { Arn: ACCESS_POINT.replace("fsap-0", "fsap-1"), LocalMountPath: "/mnt/data" },
    "is not mapped on this host. Start the server with --file-system",
  ],
  [{ Arn: ACCESS_POINT, LocalMountPath: "/mnt/.." }, "must be /mnt/ and a name that starts with a letter or a digit"],
  [{ Arn: ACCESS_POINT, LocalMountPath: "/mnt/-x" }, "must be /mnt/ and a name that starts with a letter or a digit"],
] as const)("a file system that can't be mounted is refused: %o", async ([config, message]) => {
  const harness = await ControlHarness.start({ functions: FUNCTIONS });
  await expect(
    harness.create("f", "f", { snapStart: false, config: { FileSystemConfigs: [config] } }),
  ).rejects.toMatchObject({
    name: "InvalidParameterValueException",
    message: expect.stringContaining(message),
  });
  await harness.end();
});
