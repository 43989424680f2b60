/**
 * CloudFormation: what is asked of stacks is decided and shown here, by the pure core (packages/stacks); the runs that
 * it begins are carried out behind the port of stacks (docs/design/0020-stacks.md).
 */
import { CLOUDFORMATION, type OperationTypes } from "@thaw/aws-api/cloudformation";
import type { ServiceOperations } from "../aws-service.ts";
import { changeSetOperations } from "./change-sets.ts";
import { type CloudFormationParts, find, invalid, sourceOf } from "./context.ts";
import { descriptions } from "./descriptions.ts";
import { stackRuns } from "./stack-runs.ts";
import { checkTypes, summarize, validate } from "./template-summary.ts";
import { readGiven, readText } from "./templates.ts";

export { CLOUDFORMATION };
export type { CloudFormationParts } from "./context.ts";

export function cloudFormationOperations(parts: CloudFormationParts): ServiceOperations<OperationTypes> {
  return {
    async ValidateTemplate(input) {
      const { template } = await readGiven(parts, input);
      checkTypes(template, parts.stacks.types);
      return validate(template);
    },
    async GetTemplateSummary({ StackName, StackSetName, ...input }) {
      if (StackSetName !== undefined) throw invalid("Thaw has no stack sets");
      if (StackName === undefined) return summarize((await readGiven(parts, input)).template);
      const source = await sourceOf(parts, (await find(parts, StackName)).id);
      if (source === null) throw invalid(`Stack with id ${StackName} does not exist`);
      return summarize((await readText(parts, source.original)).template);
    },
    ...stackRuns(parts),
    ...changeSetOperations(parts),
    ...descriptions(parts),
  };
}

export function insteadOfCloudFormation(): string {
  return "There are stacks and change sets; no stack sets, hooks, drift, imports or registry.";
}
