/** Deployments: stacks, their resources, their events and their outputs. */
import {
  describeEvents,
  describeStacks,
  listResources,
  type Stack,
  type StackEvent,
  type StackResource,
} from "../api/stacks.ts";
import { pathOf } from "../route.ts";
import { Badge, Facts, Heading, Loaded, Time, type Tone } from "../ui/parts.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { useData } from "../ui/use-data.ts";
import { ChangeSets } from "./changes.tsx";

function toneOf(status: string): Tone {
  if (/FAILED|ROLLBACK/.test(status)) return "bad";
  if (status.endsWith("_IN_PROGRESS")) return "busy";
  return status.startsWith("DELETE") ? "plain" : "good";
}

function Status({ status, reason }: { readonly status: string; readonly reason: string }) {
  return (
    <>
      <Badge tone={toneOf(status)}>{status}</Badge>
      {reason !== "" && <div class="muted">{reason}</div>}
    </>
  );
}

const STACK_COLUMNS: ReadonlyArray<Column<Stack>> = [
  {
    name: "Stack",
    value: ({ name }) => name,
    cell: ({ name }) => <a href={pathOf({ view: "stack", name })}>{name}</a>,
  },
  { name: "Status", value: ({ status }) => status, cell: (stack) => <Status {...stack} /> },
  {
    name: "Changed",
    value: ({ updatedAtMs }) => updatedAtMs ?? 0,
    cell: ({ updatedAtMs }) => <Time atMs={updatedAtMs} />,
  },
];

const RESOURCE_COLUMNS: ReadonlyArray<Column<StackResource>> = [
  { name: "Resource", value: ({ logicalId }) => logicalId, cell: ({ logicalId }) => logicalId },
  { name: "Type", value: ({ type }) => type, cell: ({ type }) => type },
  {
    name: "Physical id",
    value: ({ physicalId }) => physicalId,
    cell: ({ type, physicalId }) =>
      type === "AWS::Lambda::Function" && physicalId !== "" ? (
        <a href={pathOf({ view: "function", name: physicalId, tab: "invocations" })}>{physicalId}</a>
      ) : (
        <code>{physicalId}</code>
      ),
  },
  { name: "Status", value: ({ status }) => status, cell: (resource) => <Status {...resource} /> },
];

const EVENT_COLUMNS: ReadonlyArray<Column<StackEvent>> = [
  { name: "When", cell: ({ atMs }) => <Time atMs={atMs} /> },
  { name: "Resource", cell: ({ logicalId }) => logicalId },
  { name: "Type", cell: ({ type }) => type },
  { name: "Status", cell: (event) => <Status {...event} /> },
];

export function StacksView() {
  const data = useData("stacks", (signal) => describeStacks(null, signal));
  return (
    <>
      <Heading title="Deployments" />
      <Loaded data={data}>
        {(stacks) => (
          <Table
            caption="Stacks"
            columns={STACK_COLUMNS}
            rows={stacks}
            keyOf={({ name }) => name}
            empty="There is no stack. thaw deploy, sam, cdk and the AWS CLI make them."
            canFilter={stacks.length > 5}
          />
        )}
      </Loaded>
    </>
  );
}

export function StackView({ name, isAdmin }: { readonly name: string; readonly isAdmin: boolean }) {
  const data = useData(`stack ${name}`, async (signal) => {
    const [stacks, resources, events] = await Promise.all([
      describeStacks(name, signal),
      listResources(name, signal),
      describeEvents(name, signal),
    ]);
    return { stack: stacks[0] ?? null, resources, events };
  });
  return (
    <>
      <Heading title={name}>
        {data.value?.stack !== null && data.value !== null && <Status {...data.value.stack} />}
      </Heading>
      <Loaded data={data}>
        {({ stack, resources, events }) => (
          <>
            {stack !== null && stack.outputs.length > 0 && (
              <>
                <h2>Outputs</h2>
                <Facts
                  rows={stack.outputs.map(({ key, value }) => [key, <Output key={key} value={value} />] as const)}
                />
              </>
            )}
            <h2>Resources</h2>
            <Table
              caption={`Resources of ${name}`}
              columns={RESOURCE_COLUMNS}
              rows={resources}
              keyOf={({ logicalId }) => logicalId}
              empty="The stack has no resource."
            />
            <ChangeSets stack={name} isAdmin={isAdmin} />
            <h2>Events</h2>
            <Table
              caption={`Events of ${name}`}
              columns={EVENT_COLUMNS}
              rows={events}
              keyOf={({ id }) => id}
              empty="There is no event."
            />
          </>
        )}
      </Loaded>
    </>
  );
}

/** A template may put out anything: only web addresses become links. */
function Output({ value }: { readonly value: string }) {
  return /^https?:\/\/[^\s]+$/.test(value) ? (
    <a href={value} rel="noreferrer" target="_blank">
      {value}
    </a>
  ) : (
    <code>{value}</code>
  );
}
