/** A second function of the same code, with other variables. */
import { CreateFunctionCommand, GetFunctionCommand, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";
import { ROLE, type TestFunctions } from "../support/functions.ts";

export async function copyFunction(functions: TestFunctions, from: string, to: string, variables: Readonly<Record<string, string>>): Promise<void> {
  const { Configuration, Code } = await functions.lambda.send(new GetFunctionCommand({ FunctionName: from }));
  const zip = Buffer.from(await (await fetch(Code?.Location ?? "")).arrayBuffer());
  await functions.lambda.send(
    new CreateFunctionCommand({
      FunctionName: to,
      Role: ROLE,
      Runtime: Configuration?.Runtime,
      Handler: Configuration?.Handler,
      MemorySize: Configuration?.MemorySize,
      Timeout: Configuration?.Timeout,
      SnapStart: { ApplyOn: "PublishedVersions" },
      Environment: { Variables: { ...variables } },
      Code: { ZipFile: zip },
    }),
  );
  await waitUntilFunctionActiveV2({ client: functions.lambda, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { FunctionName: to });
}
