/** Event buses themselves, by AWS's client. */
import {
  CreateArchiveCommand,
  CreateEventBusCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  DescribeEventBusCommand,
  type EventBridgeClient,
  ListEventBusesCommand,
  PutPermissionCommand,
  PutRuleCommand,
  RemovePermissionCommand,
  ResourceNotFoundException,
  UpdateEventBusCommand,
} from "@aws-sdk/client-eventbridge";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ACCOUNT, eventsClient, noting, refusalOf } from "./events-harness.ts";
import { HttpHarness, REGION } from "./http-harness.ts";

const BUS_ARN = `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/`;

let http: HttpHarness;
let client: EventBridgeClient;
let made = 0;

beforeAll(async () => {
  http = await HttpHarness.start({ functions: noting().functions });
  client = eventsClient(http);
});
afterAll(async () => {
  client.destroy();
  await http[Symbol.asyncDispose]();
});

const refusal = (command: object): Promise<string> => refusalOf(client, command);

it("is made, described, listed, changed and deleted", async () => {
  const Name = `bus-${made++}`;
  await client.send(new CreateEventBusCommand({ Name, Description: "d", Tags: [{ Key: "k", Value: "v" }] }));
  expect(await refusal(new CreateEventBusCommand({ Name }))).toBe(
    `ResourceAlreadyExistsException: Event bus ${Name} already exists.`,
  );
  expect(await client.send(new UpdateEventBusCommand({ Name, Description: "e" }))).toMatchObject({ Name });
  expect(await client.send(new DescribeEventBusCommand({ Name }))).toMatchObject({
    Name,
    Arn: `${BUS_ARN}${Name}`,
    Description: "e",
    CreationTime: expect.any(Date),
  });
  const listed = await client.send(new ListEventBusesCommand({}));
  expect(listed.EventBuses?.map((bus) => bus.Name)).toEqual(expect.arrayContaining(["default", Name]));
  await client.send(new PutRuleCommand({ Name: "r", EventBusName: Name, EventPattern: '{"a":[1]}' }));
  expect(await refusal(new DeleteEventBusCommand({ Name }))).toBe(
    "ValidationException: EventBus can't be deleted since it has rules.",
  );
  await client.send(new DeleteRuleCommand({ Name: "r", EventBusName: Name }));
  await client.send(new DeleteEventBusCommand({ Name }));
  await client.send(new DeleteEventBusCommand({ Name }));
  const gone = await client.send(new DescribeEventBusCommand({ Name })).catch((error: Error) => error);
  expect(gone).toBeInstanceOf(ResourceNotFoundException);
  expect(await refusal(new DeleteEventBusCommand({ Name: "default" }))).toBe(
    "ValidationException: Cannot delete event bus default.",
  );
  expect(await refusal(new CreateEventBusCommand({ Name: "a/b" }))).toContain("must not contain '/'");
  expect(await refusal(new CreateEventBusCommand({ Name: "k", KmsKeyIdentifier: "k" }))).toContain(
    "KmsKeyIdentifier is not supported by Thaw",
  );
});

it("keeps the permissions that it is given", async () => {
  const Name = `bus-${made++}`;
  await client.send(new CreateEventBusCommand({ Name }));
  const allowed = { EventBusName: Name, Action: "events:PutEvents", Principal: "111111111111" };
  await client.send(new PutPermissionCommand({ ...allowed, StatementId: "one" }));
  const { Policy = "" } = await client.send(new DescribeEventBusCommand({ Name }));
  expect(JSON.parse(Policy)).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "one",
        Effect: "Allow",
        Principal: { AWS: "arn:aws:iam::111111111111:root" },
        Action: "events:PutEvents",
        Resource: `${BUS_ARN}${Name}`,
      },
    ],
  });
  expect(await refusal(new RemovePermissionCommand({ EventBusName: Name, StatementId: "two" }))).toBe(
    "ResourceNotFoundException: Statement with the provided id does not exist.",
  );
  await client.send(new RemovePermissionCommand({ EventBusName: Name, StatementId: "one" }));
  expect(await refusal(new RemovePermissionCommand({ EventBusName: Name, StatementId: "one" }))).toBe(
    "ResourceNotFoundException: EventBus does not have a policy.",
  );
  await client.send(new PutPermissionCommand({ EventBusName: Name, Policy: '{"Statement":[{"Sid":"x"}]}' }));
  expect((await client.send(new DescribeEventBusCommand({ Name }))).Policy).toContain('"Sid":"x"');
  expect(await refusal(new PutPermissionCommand({ EventBusName: Name, Policy: "[" }))).toContain("Invalid policy");
});

it("operations that Thaw does not have are refused by name", async () => {
  expect(await refusal(new CreateArchiveCommand({ ArchiveName: "a", EventSourceArn: `${BUS_ARN}default` }))).toMatch(
    /^NotImplementedException: CreateArchive is part of EventBridge, but Thaw does not have it\. Let a rule call/,
  );
});
