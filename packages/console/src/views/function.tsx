/** A function: its versions with their snapshots, and its configuration. */
import type { FunctionConfiguration } from "../api/lambda.ts";
import { FUNCTION_TABS, type FunctionTab, pathOf } from "../route.ts";
import { Badge, Facts, Heading, Loaded, Problem } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";
import { inBytes } from "../words.ts";
import { InvocationsTab } from "./invocations.tsx";
import { CheckTab } from "./check.tsx";
import { CompareTab } from "./compare.tsx";
import { FunctionFacts, loadHead } from "./function-facts.tsx";
import { MetricsTab } from "./metrics.tsx";
import { LogsTab } from "./logs.tsx";
import { TestTab } from "./test.tsx";
import { VersionsTab } from "./versions.tsx";

const TAB_LABELS: Readonly<Record<FunctionTab, string>> = {
  invocations: "Invocations",
  test: "Test",
  logs: "Logs",
  versions: "Versions",
  compare: "Compare",
  check: "Check",
  metrics: "Metrics",
  configuration: "Configuration",
};

/** Tabs that say themselves that there is no such function; others would have nothing to show. */
const SAYS_ITSELF: ReadonlySet<FunctionTab> = new Set(["logs", "versions", "configuration"]);

export function FunctionView({
  name,
  tab,
  isAdmin,
}: {
  readonly name: string;
  readonly tab: FunctionTab;
  readonly isAdmin: boolean;
}) {
  const data = useData(`function ${name}`, (signal) => loadHead(name, signal));
  const isMissing = data.value === null && data.problem !== null;
  return (
    <>
      <Heading title={name}>{data.value !== null && <StateBadge configuration={data.value.configuration} />}</Heading>
      {data.value !== null && <FunctionFacts head={data.value} />}
      <nav class="tabs" aria-label="Function">
        {FUNCTION_TABS.filter((each) => isAdmin || (each !== "test" && each !== "check")).map((each) => (
          <a
            key={each}
            href={pathOf({ view: "function", name, tab: each })}
            aria-current={each === tab ? "page" : undefined}
          >
            {TAB_LABELS[each]}
          </a>
        ))}
      </nav>
      {!SAYS_ITSELF.has(tab) && data.value === null && <Problem text={data.problem} />}
      {tab === "invocations" && <InvocationsTab name={name} />}
      {tab === "test" && isAdmin && !isMissing && <TestTab name={name} />}
      {tab === "test" && !isAdmin && <p>A read-only login invokes nothing.</p>}
      {tab === "logs" && <LogsTab name={name} />}
      {tab === "versions" && <VersionsTab name={name} isAdmin={isAdmin} />}
      {tab === "compare" && <CompareTab name={name} />}
      {tab === "check" && isAdmin && <CheckTab name={name} />}
      {tab === "check" && !isAdmin && <p>A read-only login starts no clones.</p>}
      {tab === "metrics" && <MetricsTab name={name} />}
      {tab === "configuration" && (
        <Loaded data={data}>
          {({ configuration }) => <Configuration configuration={configuration} isAdmin={isAdmin} />}
        </Loaded>
      )}
    </>
  );
}

function StateBadge({ configuration }: { readonly configuration: FunctionConfiguration }) {
  const { State = "", StateReason } = configuration;
  const tone = State === "Active" ? "good" : State === "Failed" ? "bad" : "busy";
  return (
    <>
      <Badge tone={tone}>{State}</Badge>
      {StateReason !== undefined && <span class="muted">{StateReason}</span>}
    </>
  );
}

function Configuration({
  configuration,
  isAdmin,
}: {
  readonly configuration: FunctionConfiguration;
  readonly isAdmin: boolean;
}) {
  const { Environment, SnapStart, Layers, EphemeralStorage } = configuration;
  return (
    <>
      <Facts
        rows={[
          ["Description", configuration.Description ?? ""],
          ["Runtime", configuration.Runtime ?? "container image"],
          ["Handler", configuration.Handler ?? ""],
          ["Memory", `${configuration.MemorySize ?? 0} MiB`],
          ["Ephemeral storage", `${EphemeralStorage?.Size ?? 512} MiB`],
          ["Timeout", `${configuration.Timeout ?? 0} s`],
          ["Code", inBytes(configuration.CodeSize ?? 0)],
          ["SnapStart", SnapStart?.ApplyOn ?? "None"],
          ["Layers", Layers?.map(({ Arn }) => Arn ?? "").join(", ") || "none"],
          ["Role", configuration.Role ?? ""],
          ["Last modified", configuration.LastModified ?? ""],
          ["ARN", <code key="arn">{configuration.FunctionArn}</code>],
        ]}
      />
      <h2>Environment variables</h2>
      <Variables variables={Environment?.Variables ?? {}} isAdmin={isAdmin} />
    </>
  );
}

/** Values are seen after a click: somebody may look over a shoulder. */
function Variables({
  variables,
  isAdmin,
}: {
  readonly variables: Readonly<Record<string, string>>;
  readonly isAdmin: boolean;
}) {
  const names = Object.keys(variables).sort();
  if (names.length === 0) return <p class="muted">None.</p>;
  return (
    <ul class="plain">
      {names.map((name) => (
        <li key={name}>
          {isAdmin ? (
            <details>
              <summary>
                <code>{name}</code>
              </summary>
              <code>{variables[name]}</code>
            </details>
          ) : (
            <>
              <code>{name}</code> <span class="muted">(value hidden from a read-only login)</span>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
