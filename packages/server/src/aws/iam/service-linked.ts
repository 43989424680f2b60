/** Roles that AWS's services have made for themselves. No service here needs one; templates and tools ask for them. */
import type { OperationTypes } from "@thaw/aws-api/iam";
import { PROGRAM } from "@thaw/installation";
import type { ServiceOperations } from "../aws-service.ts";
import { type Entities, invalidInput, noSuch } from "./context.ts";
import { presentRoleWhole } from "./present.ts";
import { bareRole, checkNewRole, putRole } from "./roles.ts";

const SERVICE = /^[a-z][a-z0-9-]{0,40}(?:\.[a-z][a-z0-9-]{0,40}){0,3}\.amazonaws\.com$/;
/** Names that don't follow from the service's. */
const NAMES: Readonly<Record<string, string>> = {
  "apigateway.amazonaws.com": "APIGateway",
  "autoscaling.amazonaws.com": "AutoScaling",
  "ecs.amazonaws.com": "ECS",
  "ops.apigateway.amazonaws.com": "APIGateway",
  "rds.amazonaws.com": "RDS",
  "replicator.lambda.amazonaws.com": "LambdaReplicator",
};

export function serviceLinkedOperations(entities: Entities): ServiceOperations<OperationTypes> {
  return {
    CreateServiceLinkedRole: ({ AWSServiceName: service, CustomSuffix, Description = "" }) =>
      entities.change(async (store) => {
        if (!SERVICE.test(service)) throw invalidInput(`${service.slice(0, 100)} is not a service of AWS.`);
        const trust = { Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" };
        const suffix = CustomSuffix === undefined ? "" : `_${CustomSuffix}`;
        const role = {
          ...bareRole(
            entities,
            `AWSServiceRoleFor${nameOf(service)}${suffix}`,
            JSON.stringify({ Version: "2012-10-17", Statement: [trust] }),
          ),
          path: `/aws-service-role/${service}/`,
          description: Description,
          linkedTo: service,
        };
        await checkNewRole(store, role).catch((error: unknown) => {
          // AWS's own text for roles of services.
          if ((error as { readonly code?: unknown }).code !== "EntityAlreadyExists") throw error;
          throw invalidInput(
            `Service role name ${role.name} has been taken in this account, please try a different suffix.`,
          );
        });
        return { writes: [putRole(role, null)], result: { Role: presentRoleWhole(entities, role) } };
      }),
    DeleteServiceLinkedRole: ({ RoleName }) =>
      entities.change(async (store) => {
        const role = await entities.findRole(store, RoleName);
        if (role.linkedTo === null)
          throw invalidInput(
            `${RoleName} is no service-linked role: '${PROGRAM}' has it as an ordinary one, for DeleteRole.`,
          );
        const task = `task${role.path}${role.name}/${role.uniqueId}`;
        return { writes: [{ op: "remove", kind: "iamRole", record: role }], result: { DeletionTaskId: task } };
      }),
    /** A removal is done when it is answered. */
    GetServiceLinkedRoleDeletionStatus({ DeletionTaskId }) {
      if (!DeletionTaskId.startsWith("task/aws-service-role/"))
        throw noSuch(`DeletionTaskId ${DeletionTaskId.slice(0, 200)} cannot be found.`);
      return { Status: "SUCCEEDED" };
    },
  };
}

function nameOf(service: string): string {
  const known = Object.hasOwn(NAMES, service) ? NAMES[service] : undefined;
  const labels = service.split(".").slice(0, -2);
  return known ?? labels.map((label) => `${label.slice(0, 1).toUpperCase()}${label.slice(1)}`).join("");
}
