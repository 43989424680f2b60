/**
 * CloudFormation, as far as it looks at templates. There are no stacks yet (docs/design/0020-stacks.md): what would
 * make or change one is refused by name.
 */
import { CLOUDFORMATION, type OperationTypes } from "@thaw/aws-api/cloudformation";
import type { ServiceOperations } from "../aws-service.ts";
import { ServiceError } from "../../model/service-error.ts";
import { readGivenTemplate, summarize, validate } from "./template-summary.ts";

export { CLOUDFORMATION };

export function cloudFormationOperations(): ServiceOperations<OperationTypes> {
  return {
    ValidateTemplate: (input) => validate(readGivenTemplate(input)),
    GetTemplateSummary({ StackName, StackSetName, ...input }) {
      if (StackSetName !== undefined) throw invalid("Thaw has no stack sets");
      if (StackName !== undefined) throw noSuchStack(StackName);
      return summarize(readGivenTemplate(input));
    },
    DescribeStacks({ StackName }) {
      if (StackName !== undefined) throw noSuchStack(StackName);
      return { Stacks: [] };
    },
    ListStacks: () => ({ StackSummaries: [] }),
    ListExports: () => ({ Exports: [] }),
  };
}

export function insteadOfCloudFormation(): string {
  return "Templates are deployed with 'thaw deploy'.";
}

/** Tools compare this text. */
function noSuchStack(name: string): ServiceError {
  return invalid(`Stack with id ${name} does not exist`);
}

function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message);
}
