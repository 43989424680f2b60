/** Change sets of a stack, and what each would change or has changed: property by property, before and after. */
import {
  type ChangeSet,
  listChangeSets,
  listDifferences,
  type PropertyDifference,
  type ResourceDifference,
} from "../api/stacks.ts";
import { query, setQuery } from "../location.ts";
import { Badge, Loaded, Time, type Tone } from "../ui/parts.tsx";
import { type Column, Table } from "../ui/table.tsx";
import { useData } from "../ui/use-data.ts";

/** Characters of a value that are shown. */
const SHOWN_MAX = 2000;
const TONES: Readonly<Record<string, Tone>> = { Add: "good", Remove: "bad", Modify: "busy" };

const SET_COLUMNS: ReadonlyArray<Column<ChangeSet>> = [
  { name: "Change set", value: ({ name }) => name, cell: ({ name }) => name },
  {
    name: "Status",
    value: ({ status }) => status,
    cell: ({ status, executionStatus, reason }) => (
      <>
        {status}, {executionStatus}
        {reason !== "" && <div class="muted">{reason}</div>}
      </>
    ),
  },
  {
    name: "Made",
    value: ({ createdAtMs }) => createdAtMs ?? 0,
    cell: ({ createdAtMs }) => <Time atMs={createdAtMs} />,
  },
  {
    name: "Differences",
    cell: ({ name }) => (
      <button type="button" aria-label={`Show the differences of ${name}`} onClick={() => setQuery("changes", name)}>
        Show
      </button>
    ),
  },
];

const DIFFERENCE_COLUMNS: ReadonlyArray<Column<ResourceDifference>> = [
  {
    name: "Resource",
    value: ({ logicalId }) => logicalId,
    cell: ({ action, logicalId, type, replacement }) => (
      <>
        <Badge tone={TONES[action] ?? "plain"}>{action}</Badge> {logicalId}
        <div class="muted">
          {type}
          {replacement !== "" && replacement !== "False" && `, replaced: ${replacement}`}
        </div>
      </>
    ),
  },
  {
    name: "Properties",
    value: ({ properties }) => properties.map(({ path }) => path).join(" "),
    cell: ({ properties }) => (
      <ul class="plain">
        {properties.map((property) => (
          <li key={property.path}>
            <Difference {...property} />
          </li>
        ))}
      </ul>
    ),
  },
];

function Difference({ path, recreates, before, after }: PropertyDifference) {
  return (
    <>
      <code>{path}</code>
      {recreates !== "" && recreates !== "Never" && <span class="muted"> (recreates: {recreates})</span>}
      {before !== "" && (
        <div>
          before: <del>{cut(before)}</del>
        </div>
      )}
      {after !== "" && (
        <div>
          after: <ins>{cut(after)}</ins>
        </div>
      )}
    </>
  );
}

function cut(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

export function ChangeSets({ stack, isAdmin }: { readonly stack: string; readonly isAdmin: boolean }) {
  const data = useData(`change sets ${stack}`, (signal) => listChangeSets(stack, signal));
  const chosen = query.value.get("changes");
  return (
    <>
      <h2>Change sets</h2>
      <Loaded data={data}>
        {(sets) => (
          <Table
            caption={`Change sets of ${stack}`}
            columns={SET_COLUMNS}
            rows={sets}
            keyOf={({ name }) => name}
            empty="There is no change set."
          />
        )}
      </Loaded>
      {chosen !== null && <Differences key={chosen} stack={stack} changeSet={chosen} isAdmin={isAdmin} />}
    </>
  );
}

function Differences({
  stack,
  changeSet,
  isAdmin,
}: {
  readonly stack: string;
  readonly changeSet: string;
  readonly isAdmin: boolean;
}) {
  const data = useData(`differences ${stack} ${changeSet}`, (signal) =>
    listDifferences(stack, changeSet, isAdmin, signal),
  );
  return (
    <>
      <h3>Differences of {changeSet}</h3>
      {!isAdmin && <p class="muted">A read-only login sees which properties change, and no values.</p>}
      <Loaded data={data}>
        {(differences) => (
          <Table
            caption={`Differences of ${changeSet}`}
            columns={DIFFERENCE_COLUMNS}
            rows={differences}
            keyOf={({ logicalId }) => logicalId}
            empty="It changes no resource."
          />
        )}
      </Loaded>
    </>
  );
}
