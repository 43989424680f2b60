/**
 * EventBridge Schemas, as far as AWS's tools keep test events of functions in it: one registry, in which the schema
 * `_NAME-schema` has the saved test events of the function NAME as its examples. They are those of Thaw's own API.
 * https://docs.aws.amazon.com/lambda/latest/dg/testing-functions.html#creating-shareable-events
 */
import { type OperationTypes, SCHEMAS } from "@thaw/aws-api/schemas";
import { ApiError } from "../../model/api-error.ts";
import type { AccountScope } from "../../model/function-name.ts";
import { ServiceError } from "../../model/service-error.ts";
import type { SavedTestEvents } from "../../ports/test-events.ts";
import type { ServiceOperations } from "../aws-service.ts";
import { discovered, documentOf, eventsOf } from "./documents.ts";

export { SCHEMAS };

export interface SchemasParts {
  readonly scope: AccountScope;
  readonly testEvents: SavedTestEvents;
}

const REGISTRY = "lambda-testevent-schemas";
const NAME = /^_([A-Za-z0-9_-]{1,64})-schema$/;
const TYPE = "OpenApi3" as const;
/** Earlier states are not kept, so there is one. */
const VERSION = "1";

interface Place {
  readonly RegistryName: string;
  readonly SchemaName: string;
}

export function schemasOperations({ scope, testEvents }: SchemasParts): ServiceOperations<OperationTypes> {
  const arnOf = (kind: "registry" | "schema", name: string): string =>
    `arn:aws:schemas:${scope.region}:${scope.accountId}:${kind}/${name}`;
  const shownSchema = ({ SchemaName }: Place) =>
    ({
      SchemaArn: arnOf("schema", `${REGISTRY}/${SchemaName}`),
      SchemaName,
      SchemaVersion: VERSION,
      Type: TYPE,
    }) as const;
  const existing = async (place: Place): Promise<ReadonlyMap<string, string>> => {
    const events = await testEvents.all(functionOf(place));
    if (events.size === 0)
      throw new ServiceError("NotFoundException", `Schema with name ${place.SchemaName} not found.`);
    return events;
  };
  const replace = async (place: Place, events: ReadonlyMap<string, string>): Promise<void> => {
    try {
      await testEvents.replaceAll(functionOf(place), events);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isMissing = error.name === "ResourceNotFoundException";
      throw new ServiceError(isMissing ? "NotFoundException" : "BadRequestException", error.message);
    }
  };
  return {
    DescribeRegistry: ({ RegistryName }) => {
      checkRegistry(RegistryName, "NotFoundException");
      return { RegistryArn: arnOf("registry", RegistryName), RegistryName };
    },
    CreateRegistry: ({ RegistryName }) => {
      checkRegistry(RegistryName, "BadRequestException");
      throw new ServiceError("ConflictException", `Registry with name ${RegistryName} already exists.`);
    },
    DescribeSchema: async (input) => {
      if (input.SchemaVersion !== undefined && input.SchemaVersion !== VERSION)
        throw new ServiceError("NotFoundException", `Thaw keeps the newest version of a schema only, ${VERSION}.`);
      return { ...shownSchema(input), Content: documentOf(await existing(input)) };
    },
    ListSchemaVersions: async (input) => {
      await existing(input);
      return { SchemaVersions: [shownSchema(input)] };
    },
    CreateSchema: async (input) => {
      refuseMembers(input);
      if ((await testEvents.all(functionOf(input))).size > 0)
        throw new ServiceError("ConflictException", `Schema with name ${input.SchemaName} already exists.`);
      await replace(input, readEvents(input));
      return shownSchema(input);
    },
    UpdateSchema: async (input) => {
      refuseMembers(input);
      const before = await existing(input);
      const given = input.Content === undefined ? before : readEvents(input);
      await replace(input, keepingTexts(before, given));
      return shownSchema(input);
    },
    DeleteSchema: async (input) => {
      await existing(input);
      await replace(input, new Map());
      return {};
    },
    GetDiscoveredSchema: ({ Events, Type }) => discover(Events, Type),
  };
}

function discover([event, ...others]: readonly string[], type: string): { readonly Content: string } {
  checkType(type);
  if (event === undefined || others.length > 0) throw badRequest("Thaw discovers the schema of one event: give one");
  try {
    return { Content: JSON.stringify(discovered(event)) };
  } catch (error) {
    throw badRequest(`The event is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

export function insteadOfSchemas(): string {
  return `Thaw has the registry ${REGISTRY} alone, with saved test events of functions.`;
}

/** Throws with a code that the operation has. */
function checkRegistry(name: string, code: "NotFoundException" | "BadRequestException"): void {
  if (name !== REGISTRY)
    throw new ServiceError(code, `Registry with name ${name.slice(0, 64)} not found: ${insteadOfSchemas()}`);
}

function functionOf({ RegistryName, SchemaName }: Place): string {
  checkRegistry(RegistryName, "NotFoundException");
  const name = NAME.exec(SchemaName)?.[1];
  if (name === undefined) throw badRequest("The name of a schema must be _NAME-schema, with the NAME of a function");
  return name;
}

function refuseMembers(input: { readonly Description?: string; readonly Tags?: object; readonly Type?: string }): void {
  checkType(input.Type ?? TYPE);
  if ((input.Description ?? "") !== "") throw badRequest("Description is not supported by Thaw: leave it out");
  if (Object.keys(input.Tags ?? {}).length > 0) throw badRequest("Tags are not supported by Thaw: leave them out");
}

function checkType(type: string): void {
  if (type !== TYPE) throw badRequest(`Schemas of type ${type} are not supported by Thaw: ${TYPE} is`);
}

function readEvents({ Content = "" }: { readonly Content?: string }): ReadonlyMap<string, string> {
  const events = eventsOf(Content);
  if (events === null || events.size === 0)
    throw badRequest("Content must be JSON with components.examples: an example with a value for each test event");
  return events;
}

/** An event that is the same stays as it was written. */
function keepingTexts(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const written = eventsOf(documentOf(before)) ?? new Map<string, string>();
  return new Map(
    [...after].map(([name, event]) => [name, written.get(name) === event ? (before.get(name) ?? event) : event]),
  );
}

function badRequest(message: string): ServiceError {
  return new ServiceError("BadRequestException", message);
}
