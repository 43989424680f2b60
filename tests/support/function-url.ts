/** Function URLs for tests. */
import {
  AddPermissionCommand,
  CreateFunctionUrlConfigCommand,
  type CreateFunctionUrlConfigCommandInput,
} from "@aws-sdk/client-lambda";
import type { TestFunctions } from "./functions.ts";

type UrlWish = Partial<CreateFunctionUrlConfigCommandInput> & { readonly FunctionName: string };

/** Everybody may call it, unless it asks for a signature. */
export async function makeFunctionUrl({ lambda }: TestFunctions, wish: UrlWish): Promise<string> {
  const { FunctionUrl } = await lambda.send(new CreateFunctionUrlConfigCommand({ AuthType: "NONE", ...wish }));
  const { FunctionName, Qualifier } = wish;
  if (wish.AuthType !== "AWS_IAM")
    await lambda.send(
      new AddPermissionCommand({
        FunctionName,
        ...(Qualifier === undefined ? {} : { Qualifier }),
        StatementId: "url",
        Action: "lambda:InvokeFunctionUrl",
        Principal: "*",
        FunctionUrlAuthType: "NONE",
      }),
    );
  return FunctionUrl ?? "";
}
