/** AWS::CloudFormation::Stack: a stack in a stack, made by the same operations as others. */
import { nestedInput } from "@thaw/stacks/nested-stack";
import type { TemplateMap } from "@thaw/template/value";
import { CallError, type CallInput } from "../../ports/service-calls.ts";
import { describeType } from "./describe-type.ts";
import { type Handler, type HandlerContext, HandlerError, type Made } from "./handler.ts";
import { tagsOf } from "./own.ts";

const NAME_LENGTH_MAX = 128;
const OUTPUTS = "Outputs.";

export const NESTED_STACK: Handler = {
  // Any output is an attribute. Nothing would be notified.
  type: describeType("AWS::CloudFormation::Stack", { without: ["NotificationARNs"], attributes: null }),

  async create(properties, context) {
    const name = context.makeName(NAME_LENGTH_MAX);
    const timeout = properties["TimeoutInMinutes"];
    const made = await context.services.call("cloudformation", "CreateStack", {
      StackName: name,
      ...inputOf(properties, context),
      // The same after a crash: the operation gives the stack that it made.
      ClientRequestToken: name,
      ...(timeout === undefined ? {} : { TimeoutInMinutes: timeout }),
    });
    const id = String(made["StackId"]);
    const stack = await untilEnded(id, context).catch((error: unknown) => {
      // Whatever ends the wait, the stack is there.
      throw new HandlerError((error as Error).message, id);
    });
    if (stack["StackStatus"] !== "CREATE_COMPLETE")
      throw new HandlerError(
        `Embedded stack ${id} was not successfully created: ${String(stack["StackStatusReason"] ?? stack["StackStatus"])}`,
        id,
      );
    return madeOf(id, stack);
  },

  async update({ physicalId: id }, properties, context) {
    const isChanged = await updateOnce(id, properties, context);
    const stack = await untilEnded(id, context);
    const status = String(stack["StackStatus"]);
    // One that has rolled back by itself is as it was: nothing is to be done for the rollback of what it is in.
    const isDone = isChanged ? status === "UPDATE_COMPLETE" : status.endsWith("_COMPLETE");
    if (!isDone)
      throw new HandlerError(
        `Embedded stack ${id} was not successfully updated: ${String(stack["StackStatusReason"] ?? status)}`,
      );
    return madeOf(id, stack);
  },

  async remove({ physicalId: id }, context) {
    await context.services.call("cloudformation", "DeleteStack", { StackName: id });
    const stack = await untilEnded(id, context).catch((error: unknown) => {
      // One that was reviewed only, or deleted long ago.
      if (error instanceof CallError && error.message.endsWith("does not exist")) return null;
      throw error;
    });
    if (stack !== null && stack["StackStatus"] !== "DELETE_COMPLETE")
      throw new HandlerError(
        `Embedded stack ${id} was not successfully deleted: ${String(stack["StackStatusReason"] ?? stack["StackStatus"])}`,
      );
  },
};

/** False where there is nothing to change. */
async function updateOnce(id: string, properties: TemplateMap, context: HandlerContext): Promise<boolean> {
  try {
    await context.services.call("cloudformation", "UpdateStack", {
      StackName: id,
      ...inputOf(properties, context),
      // The same after a crash.
      ClientRequestToken: context.makeName(NAME_LENGTH_MAX),
    });
    return true;
  } catch (error) {
    if (error instanceof CallError && error.message.startsWith("No updates are to be performed")) return false;
    throw error;
  }
}

function inputOf(properties: TemplateMap, context: HandlerContext): CallInput {
  return { ...nestedInput(properties, tagsOf(properties["Tags"], context)) };
}

function untilEnded(id: string, { services, until }: HandlerContext): Promise<CallInput> {
  return until(async () => {
    const { Stacks: stacks } = await services.call("cloudformation", "DescribeStacks", { StackName: id });
    const [stack] = stacks as readonly CallInput[];
    if (stack === undefined) throw new HandlerError(`Embedded stack ${id} is not there any more`);
    return String(stack["StackStatus"]).endsWith("_IN_PROGRESS") ? null : stack;
  });
}

function madeOf(id: string, stack: CallInput): Made {
  const outputs = (stack["Outputs"] ?? []) as ReadonlyArray<Readonly<Record<string, string>>>;
  return {
    physicalId: id,
    attributes: Object.fromEntries(
      outputs.map((each) => [`${OUTPUTS}${each["OutputKey"]}`, each["OutputValue"] ?? ""] as const),
    ),
  };
}
