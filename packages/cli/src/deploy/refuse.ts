/** What is looked at before a change set is executed, so that a deployment that can't end well is not begun. */
import { GetFunctionCommand, ResourceNotFoundException } from "@aws-sdk/client-lambda";
import type { ResourceChange } from "@aws-sdk/client-cloudformation";
import { PROGRAM } from "@thaw/installation";
import { installName } from "@thaw/installation/installable";
import type { TemplateMap } from "@thaw/template/value";
import type { Connection } from "../connection.ts";
import { orNear } from "../did-you-mean.ts";

const FUNCTION = "AWS::Lambda::Function";
const STACK_NAME = "aws:cloudformation:stack-name";

/** Sentences about functions that can't be made; empty: all can. */
export async function whatIsInTheWay(
  connection: Connection,
  changes: readonly ResourceChange[],
): Promise<readonly string[]> {
  const functions = changes
    .filter(({ ResourceType, Action }) => ResourceType === FUNCTION && Action !== "Remove")
    .map((change) => ({ change, properties: propertiesOf(change) }));
  if (functions.length === 0) return [];
  const missing = await missingRuntimes(connection, functions);
  const names = functions.flatMap(({ change, properties }) => {
    const isNew = change.Action === "Add" || change.Replacement === "True";
    const name = properties["FunctionName"];
    return isNew && typeof name === "string" ? [{ id: change.LogicalResourceId ?? "", name }] : [];
  });
  const taken = await Promise.all(names.map(({ id, name }) => ownerOf(connection, id, name)));
  return [...missing, ...taken.flatMap((sentence) => sentence ?? [])];
}

function propertiesOf({ AfterContext }: ResourceChange): TemplateMap {
  const context = AfterContext === undefined ? {} : (JSON.parse(AfterContext) as { readonly Properties?: TemplateMap });
  return context.Properties ?? {};
}

async function missingRuntimes(
  { thaw }: Connection,
  functions: ReadonlyArray<{ readonly change: ResourceChange; readonly properties: TemplateMap }>,
): Promise<readonly string[]> {
  const { runtimes, installsRuntimes } = await thaw.call("describeHost", {});
  return functions.flatMap(({ change, properties }) => {
    const runtime = properties["Runtime"];
    if (typeof runtime !== "string" || !/^[a-z]/.test(runtime) || runtimes.includes(runtime)) return [];
    const name = installName(runtime);
    if (name !== null && installsRuntimes) return [];
    const of = `Resources.${change.LogicalResourceId ?? ""}.Runtime is ${runtime}`;
    return name === null
      ? [`${of}, which Thaw can't run. Installed here: ${runtimes.join(", ") || "none"}${orNear(runtime, runtimes)}`]
      : [`${of}, which is not installed. Run: ${PROGRAM} runtimes install ${name}`];
  });
}

/** A sentence where a function of that name is there; null: there is none. */
async function ownerOf({ lambda }: Connection, id: string, name: string): Promise<string | null> {
  try {
    const { Tags = {} } = await (await lambda()).send(new GetFunctionCommand({ FunctionName: name }));
    const stack = Tags[STACK_NAME];
    const said = `Resources.${id}: there is a function ${name} already`;
    if (stack !== undefined)
      return `${said}, of the stack ${stack}: give it another FunctionName, or deploy to that stack with --stack-name ${stack}`;
    return (
      `${said}, and it is in no stack: it was made by hand, or by thaw deploy before that made stacks. Nothing is taken over: ` +
      `give this one another FunctionName, or remove that one with its versions and aliases: aws lambda delete-function --function-name ${name}`
    );
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  }
}
