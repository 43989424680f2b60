/** All services other than Lambda that the listener serves. */
import type { AccountScope } from "../model/function-name.ts";
import { type AwsService, createService } from "./aws-service.ts";
import { insteadOfSts, STS, stsOperations } from "./sts/sts.ts";

export interface AwsServicesParts {
  readonly scope: AccountScope;
}

/** Creates them; each is found by the scope of its requests' signatures. */
export function createAwsServices({ scope }: AwsServicesParts): readonly AwsService[] {
  return [createService(STS, { name: "STS", operations: stsOperations(scope), instead: insteadOfSts })];
}
