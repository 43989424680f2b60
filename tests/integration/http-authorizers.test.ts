/** `Auth` of SAM's HTTP APIs, from the template to the function: tokens of an issuer, and a function that decides. */
import {
  type CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  type Stack,
} from "@aws-sdk/client-cloudformation";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startThaw, type ThawServer } from "../../tools/thaw-server.ts";
import { cloudFormationOf } from "../support/cloudformation.ts";
import { TestFunctions } from "../support/functions.ts";
import { AUDIENCE, Issuer } from "../support/issuer.ts";

let issuer: Issuer;
let server: ThawServer;
beforeAll(async () => {
  issuer = await Issuer.start();
  server = await startThaw({ args: ["--http-issuer", issuer.url] });
});
afterAll(async () => {
  await server?.remove();
  await issuer?.[Symbol.asyncDispose]();
});

async function endOf(stacks: CloudFormationClient, name: string): Promise<Stack> {
  let found: Stack = { StackName: name, CreationTime: undefined, StackStatus: undefined };
  await new TestFunctions(server).eventually("the stack is settled", async () => {
    const { Stacks: [stack] = [] } = await stacks.send(new DescribeStacksCommand({ StackName: name }));
    found = stack ?? found;
    return !String(found.StackStatus).endsWith("IN_PROGRESS");
  });
  return found;
}

const templateFor = (issuerUrl: string): string => `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: { Runtime: nodejs24.x, Handler: index.handler, Timeout: 60 }
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Tokens
        Authorizers:
          Tokens:
            AuthorizationScopes: [pets.read]
            IdentitySource: $request.header.Authorization
            JwtConfiguration: { issuer: "${issuerUrl}", audience: [${AUDIENCE}] }
          Doorkeeper:
            FunctionArn: !GetAtt Keeper.Arn
            AuthorizerPayloadFormatVersion: 2.0
            EnableSimpleResponses: true
            EnableFunctionDefaultPermissions: true
            Identity: { Headers: [X-Who], ReauthorizeEvery: 60 }
  Keeper:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        exports.handler = async ({ headers }) => ({ isAuthorized: headers["x-who"] === "me", context: { at: Date.now() } });
  Pets:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        exports.handler = async ({ requestContext }) => requestContext.authorizer ?? {};
      Events:
        Tokens: { Type: HttpApi, Properties: { ApiId: !Ref Api, Path: /jwt, Method: get } }
        Keeper: { Type: HttpApi, Properties: { ApiId: !Ref Api, Path: /lambda, Method: get, Auth: { Authorizer: Doorkeeper } } }
        Open: { Type: HttpApi, Properties: { ApiId: !Ref Api, Path: /open, Method: get, Auth: { Authorizer: NONE } } }
Outputs:
  Url: { Value: !Sub "https://\${Api}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}" }
`;

it("are deployed and decide", async () => {
  const functions = new TestFunctions(server);
  const stacks = cloudFormationOf(server);
  const StackName = "authorizers";
  await stacks.send(
    new CreateStackCommand({
      StackName,
      TemplateBody: templateFor(issuer.url),
      Capabilities: ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }),
  );
  const made = await endOf(stacks, StackName);
  const { StackEvents = [] } = await stacks.send(new DescribeStackEventsCommand({ StackName }));
  const reasons = StackEvents.map(({ ResourceStatusReason }) => ResourceStatusReason).filter(Boolean);
  expect(made.StackStatus, reasons.join("\n")).toBe("CREATE_COMPLETE");
  const url = made.Outputs?.[0]?.OutputValue ?? "";
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${url}${path}`, { headers });
  const byToken = async (token: Promise<string>): Promise<Response> =>
    get("/jwt", { authorization: `Bearer ${await token}` });

  expect((await get("/open")).status).toBe(200);
  expect((await get("/jwt")).status).toBe(401);
  // The issuer has AWS's 1.5 s to tell its keys. On a busy machine it may take longer; then it is asked again.
  await functions.eventually("the keys are known", async () => (await byToken(issuer.sign({}))).status !== 401);
  expect((await byToken(issuer.sign({ scope: "pets.write" }))).status).toBe(403);
  const allowed = await byToken(issuer.sign({ scope: "pets.read", sub: "me" }));
  expect(allowed.status, await allowed.clone().text()).toBe(200);
  expect(await allowed.json()).toMatchObject({ jwt: { claims: { sub: "me" }, scopes: ["pets.read"] } });

  expect((await get("/lambda")).status).toBe(401);
  expect((await get("/lambda", { "x-who": "other" })).status).toBe(403);
  const [first, again] = [await get("/lambda", { "x-who": "me" }), await get("/lambda", { "x-who": "me" })];
  const shown: unknown = await first.json();
  expect(shown).toMatchObject({ lambda: { at: expect.any(Number) } });
  expect(await again.json()).toEqual(shown);
  await stacks.send(new DeleteStackCommand({ StackName }));
  const gone = await endOf(stacks, made.StackId ?? "");
  expect(gone.StackStatus, gone.StackStatusReason).toBe("DELETE_COMPLETE");
});
