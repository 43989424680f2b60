/** Stacks and what belongs to them as answers show them. */
import type { Change, Parameter, Stack, StackEvent, StackResourceSummary, Tag } from "@thaw/aws-api/cloudformation";
import { hideSecrets } from "@thaw/stacks/secrets";
import type { ResourceChange } from "@thaw/stacks/plan";
import type { StackResource } from "@thaw/stacks/stack-resource";
import type { StackEvent as StackEventRecord, StackRecord, StackSource } from "../../model/stack-record.ts";

const STACK_TYPE = "AWS::CloudFormation::Stack";

/** `source` null: nothing ever ran. */
export function presentStack(stack: StackRecord, source: StackSource | null): Stack {
  return {
    ...presentSummary(stack),
    ...(stack.changeSetId === null ? {} : { ChangeSetId: stack.changeSetId }),
    ...(source === null || source.description === null ? {} : { Description: source.description }),
    Parameters: source === null ? [] : presentParameters(source),
    RollbackConfiguration: source?.rollbackConfiguration ?? {},
    DisableRollback: stack.isRollbackDisabled,
    NotificationARNs: [],
    ...(stack.timeoutMinutes === null ? {} : { TimeoutInMinutes: stack.timeoutMinutes }),
    Capabilities: (source?.capabilities ?? []) as NonNullable<Stack["Capabilities"]>,
    // Absent where there are none: sam tells so.
    ...(stack.outputs.length === 0 ? {} : { Outputs: presentOutputs(stack) }),
    ...(source === null || source.roleArn === null ? {} : { RoleARN: source.roleArn }),
    Tags: source === null ? [] : presentTags(source),
    EnableTerminationProtection: stack.isTerminationProtected,
    DriftInformation: { StackDriftStatus: "NOT_CHECKED" },
  };
}

/** Members that a list of stacks has, too. */
export function presentSummary(stack: StackRecord) {
  return {
    StackId: stack.id,
    StackName: stack.name,
    CreationTime: new Date(stack.createdAtMs),
    ...(stack.updatedAtMs === null ? {} : { LastUpdatedTime: new Date(stack.updatedAtMs) }),
    ...(stack.deletedAtMs === null ? {} : { DeletionTime: new Date(stack.deletedAtMs) }),
    StackStatus: stack.status,
    ...(stack.statusReason === null ? {} : { StackStatusReason: stack.statusReason }),
    ...(stack.parentId === null ? {} : { ParentId: stack.parentId }),
    ...(stack.rootId === null ? {} : { RootId: stack.rootId }),
  };
}

function presentOutputs({ outputs }: StackRecord): NonNullable<Stack["Outputs"]> {
  return outputs.map(({ key, value, description, exportName }) => ({
    OutputKey: key,
    OutputValue: value,
    ...(description === null ? {} : { Description: description }),
    ...(exportName === null ? {} : { ExportName: exportName }),
  }));
}

export function presentParameters({ prepared }: StackSource): readonly Parameter[] {
  return Object.entries(prepared.parameters).map(([key, { given, resolved }]) => ({
    ParameterKey: key,
    ParameterValue: given,
    ...(resolved === null ? {} : { ResolvedValue: resolved }),
  }));
}

/** Those that AWS adds itself are not shown. */
export function presentTags({ prepared }: StackSource): readonly Tag[] {
  const own = Object.entries(prepared.tags).filter(([key]) => !key.startsWith("aws:"));
  return own.map(([key, value]) => ({ Key: key, Value: value }));
}

export function presentEvent(stack: StackRecord, event: StackEventRecord): StackEvent {
  const { logicalId, physicalId, type, status, reason, properties, request } = event;
  const isOwn = logicalId === null;
  return {
    StackId: stack.id,
    StackName: stack.name,
    EventId: event.id,
    Timestamp: new Date(event.atMs),
    LogicalResourceId: isOwn ? stack.name : logicalId,
    PhysicalResourceId: isOwn ? stack.id : physicalId,
    ResourceType: isOwn ? STACK_TYPE : type,
    ResourceStatus: status as NonNullable<StackEvent["ResourceStatus"]>,
    ...(reason === null ? {} : { ResourceStatusReason: reason }),
    ...(properties === null ? {} : { ResourceProperties: JSON.stringify(hideSecrets(properties)) }),
    ...(request === null ? {} : { OperationId: request.operationId }),
    ...(request === null || request.clientRequestToken === null
      ? {}
      : { ClientRequestToken: request.clientRequestToken }),
  };
}

export function presentResource(resource: StackResource): StackResourceSummary {
  return {
    LogicalResourceId: resource.logicalId,
    ...(resource.physicalId === null ? {} : { PhysicalResourceId: resource.physicalId }),
    ResourceType: resource.type,
    LastUpdatedTimestamp: new Date(resource.updatedAtMs),
    ResourceStatus: resource.status,
    ...(resource.statusReason === null ? {} : { ResourceStatusReason: resource.statusReason }),
    DriftInformation: { StackResourceDriftStatus: "NOT_CHECKED" },
  };
}

export function presentChange(change: ResourceChange, withValues: boolean): NonNullable<Change["ResourceChange"]> {
  const { before, after } = change;
  return {
    Action: change.action,
    LogicalResourceId: change.logicalId,
    ...(change.physicalId === null ? {} : { PhysicalResourceId: change.physicalId }),
    ResourceType: change.type,
    ...(change.replacement === null ? {} : { Replacement: change.replacement }),
    ...(change.policyAction === null ? {} : { PolicyAction: change.policyAction }),
    Scope: change.scope,
    Details: change.details.map((detail) => ({
      Target: {
        Attribute: detail.attribute,
        ...(detail.name === null ? {} : { Name: detail.name }),
        RequiresRecreation: detail.requiresRecreation,
        ...(withValues
          ? {
              Path: detail.path,
              AttributeChangeType: detail.attributeChangeType,
              ...(detail.beforeValue === null ? {} : { BeforeValue: hideSecrets(detail.beforeValue) }),
              ...(detail.afterValue === null ? {} : { AfterValue: hideSecrets(detail.afterValue) }),
            }
          : {}),
      },
      Evaluation: detail.evaluation,
      ChangeSource: detail.changeSource,
      ...(detail.causingEntity === null ? {} : { CausingEntity: detail.causingEntity }),
    })),
    ...(withValues && before !== null ? { BeforeContext: JSON.stringify(hideSecrets(before)) } : {}),
    ...(withValues && after !== null ? { AfterContext: JSON.stringify(hideSecrets(after)) } : {}),
  };
}
