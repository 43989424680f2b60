/** `Models`, `RequestModel` and `RequestParameters` of SAM's REST APIs, from the template to the function. */
import {
  type CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  type Stack,
} from "@aws-sdk/client-cloudformation";
import { expect, it } from "vitest";
import { cloudFormationOf } from "../support/cloudformation.ts";
import type { TestFunctions } from "../support/functions.ts";
import { withThaw } from "../support/with-thaw.ts";

let functions: TestFunctions;
withThaw((made) => {
  functions = made;
  return Promise.resolve();
});

async function endOf(stacks: CloudFormationClient, name: string): Promise<Stack> {
  let found: Stack = { StackName: name, CreationTime: undefined, StackStatus: undefined };
  await functions.eventually("the stack is settled", async () => {
    const { Stacks: [stack] = [] } = await stacks.send(new DescribeStacksCommand({ StackName: name }));
    found = stack ?? found;
    return !String(found.StackStatus).endsWith("IN_PROGRESS");
  });
  return found;
}

const TEMPLATE = `
Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: prod
      Models:
        Pet:
          type: object
          required: [name, tags]
          properties:
            name: { type: string, pattern: "^[A-Z][a-z]+$" }
            tags: { type: array, items: { $ref: "#/definitions/tag" } }
        Tag: { type: string, maxLength: 3 }
  Pets:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs24.x
      Handler: index.handler
      Timeout: 60
      InlineCode: |
        exports.handler = async ({ body }) => ({ statusCode: 200, body });
      Events:
        Add:
          Type: Api
          Properties:
            RestApiId: !Ref Api
            Path: /pets
            Method: post
            RequestModel: { Model: Pet, Required: true, ValidateBody: true, ValidateParameters: true }
            RequestParameters:
              - method.request.header.X-Key: { Required: true }
Outputs:
  Url: { Value: !Sub "https://\${Api}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/prod/pets" }
`;

it("are deployed, and the function gets only requests that are as they say", async () => {
  const stacks = cloudFormationOf(functions.server);
  const StackName = "pets";
  const Capabilities = ["CAPABILITY_IAM" as const, "CAPABILITY_AUTO_EXPAND" as const];
  await stacks.send(new CreateStackCommand({ StackName, TemplateBody: TEMPLATE, Capabilities }));
  const made = await endOf(stacks, StackName);
  const { StackEvents = [] } = await stacks.send(new DescribeStackEventsCommand({ StackName }));
  const reasons = StackEvents.map(({ ResourceStatusReason }) => ResourceStatusReason).filter(Boolean);
  expect(made.StackStatus, reasons.join("\n")).toBe("CREATE_COMPLETE");
  const url = made.Outputs?.[0]?.OutputValue ?? "";
  const post = async (pet: unknown, headers: Record<string, string> = { "x-key": "a" }) => {
    const body = JSON.stringify(pet);
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
    return [answer.status, await answer.json()];
  };
  const pet = { name: "Rex", tags: ["old"] };
  expect(await post(pet)).toEqual([200, pet]);
  const invalid = [400, { message: "Invalid request body" }];
  expect(await post({ name: "Rex" })).toEqual(invalid);
  expect(await post({ ...pet, name: "rex" })).toEqual(invalid);
  expect(await post({ ...pet, tags: ["older"] })).toEqual(invalid);
  expect(await post(pet, {})).toEqual([400, { message: "Missing required request parameters: [X-Key]" }]);
  await stacks.send(new DeleteStackCommand({ StackName }));
  const gone = await endOf(stacks, made.StackId ?? "");
  expect(gone.StackStatus, gone.StackStatusReason).toBe("DELETE_COMPLETE");
});
