/** The types of IAM that are recorded by its own operations. */
import type { Handler } from "./handler.ts";
import { MANAGED_POLICY, POLICY, ROLE_POLICY } from "./iam-policy.ts";
import { INSTANCE_PROFILE, ROLE } from "./iam-role.ts";

export const IAM_HANDLERS: readonly Handler[] = [ROLE, INSTANCE_PROFILE, POLICY, ROLE_POLICY, MANAGED_POLICY];
