/** Restores clones of a version's snapshot, invokes them, and shows what they share: `thaw check` as a page. */
import type { AnswerOf } from "@thaw/thaw-api/types";
import { useState } from "preact/hooks";
import { post } from "../api/client.ts";
import { Badge, Facts, Problem, Time, type Tone } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";
import { jsonProblem } from "../json-problem.ts";
import { inBytes, inMilliseconds } from "../words.ts";
import { compareChecks, keep, type KeptCheck, keyOf, TIMES } from "./check-before.ts";
import { checkable } from "./checkable.ts";

type Report = AnswerOf<"checkFunction">;
type Finding = Report["findings"][number];

const TONES: Readonly<Record<Finding["severity"], Tone>> = { error: "bad", warning: "busy", note: "plain" };
const ORDER: readonly Finding["severity"][] = ["error", "warning", "note"];
const CLONES = [2, 3, 4, 5] as const;
const NONE = { added: new Set<string>(), gone: [] };

export function CheckTab({ name }: { readonly name: string }) {
  const versions = useData(`checkable ${name}`, (signal) => checkable(name, signal)).value ?? [];
  const [chosen, setChosen] = useState("");
  const [clones, setClones] = useState(2);
  const [event, setEvent] = useState("{}");
  const wrong = jsonProblem(event);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [shown, setShown] = useState<{ readonly report: Report; readonly before: KeptCheck | null } | null>(null);
  const version = chosen || (versions[0] ?? "");
  const run = async (submitted: Event): Promise<void> => {
    submitted.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const report = await post("check", { function: `${name}:${version}`, clones, event });
      setShown({ report, before: keepInstead(name, keep(report, Date.now())) });
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  if (versions.length === 0) return <p class="muted">No published version has SnapStart: there is nothing to check.</p>;
  return (
    <>
      <form class="filters" onSubmit={(submitted) => void run(submitted)}>
        <label>
          Version{" "}
          <select value={version} onChange={({ currentTarget }) => setChosen(currentTarget.value)}>
            {versions.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>{" "}
        <label>
          Clones{" "}
          <select value={clones} onChange={({ currentTarget }) => setClones(Number(currentTarget.value))}>
            {CLONES.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>{" "}
        <label>
          Event (JSON){" "}
          <input
            value={event}
            spellcheck={false}
            aria-invalid={wrong !== null}
            aria-describedby="check-event-problem"
            onInput={({ currentTarget }) => setEvent(currentTarget.value)}
          />
        </label>{" "}
        <button type="submit" disabled={isBusy || wrong !== null}>
          Run check
        </button>
      </form>
      <p id="check-event-problem" class="bad">
        {wrong}
      </p>
      <Problem text={problem} />
      <div role="status">{isBusy && <p>Restoring clones and invoking them with the event…</p>}</div>
      {shown !== null && <ReportView {...shown} />}
    </>
  );
}

/** Keeps a check of a function in place of the one before, which it gives. */
function keepInstead(name: string, check: KeptCheck): KeptCheck | null {
  const place = `check ${name}`;
  const before = sessionStorage.getItem(place);
  sessionStorage.setItem(place, JSON.stringify(check));
  return before === null ? null : (JSON.parse(before) as KeptCheck);
}

function ReportView({ report, before }: { readonly report: Report; readonly before: KeptCheck | null }) {
  const { verdict, findings, timing, snapshot, limits } = report;
  const { added, gone } = before === null ? NONE : compareChecks(before, keep(report, 0));
  const inMs = (value: number | null): string => (value === null ? "not known" : inMilliseconds(value));
  return (
    <section aria-label={`Check of ${report.functionName}:${report.version}`}>
      <h2>
        <Badge tone={verdict.status === "good" ? "good" : "bad"}>{verdict.headline}</Badge>
      </h2>
      <ol>
        {verdict.next.map((step) => (
          <li key={step}>{step}</li>
        ))}
      </ol>
      {ORDER.flatMap((severity) => findings.filter((finding) => finding.severity === severity)).map((finding) => (
        <FindingView key={keyOf(finding)} finding={finding} isNew={added.has(keyOf(finding))} />
      ))}
      {before !== null && <Before check={before} gone={gone} />}
      <h3>Times</h3>
      <Facts
        rows={[
          ...TIMES.map(([each, label]) => {
            const was = before === null ? "" : `, before ${inMs(before.timing[each])}`;
            return [label, inMs(timing[each]) + was] as const;
          }),
          ["Memory", inBytes(snapshot.memoryBytes)],
        ]}
      />
      <h3>What this check does not see</h3>
      <ul>
        {limits.map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
    </section>
  );
}

function Before({ check, gone }: { readonly check: KeptCheck; readonly gone: readonly string[] }) {
  return (
    <section aria-label="The check before">
      <h3>The check before</h3>
      <p>
        Version {check.version}, <Time atMs={check.atMs} />: {check.headline}
      </p>
      {gone.length === 0 ? (
        <p>All that it found is found now.</p>
      ) : (
        <ul>
          {gone.map((title) => (
            <li key={title}>
              <Badge tone="good">gone</Badge> {title}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function FindingView({ finding, isNew }: { readonly finding: Finding; readonly isNew: boolean }) {
  const { id, severity, title, why, cure, evidence } = finding;
  return (
    <article class="finding">
      <h3>
        <Badge tone={TONES[severity]}>{severity}</Badge> {title} <span class="muted">{id}</span>
        {isNew && <strong> new</strong>}
      </h3>
      {evidence.length > 0 && (
        <ul class="evidence">
          {evidence.map((line) => (
            <li key={line}>
              <code>{line}</code>
            </li>
          ))}
        </ul>
      )}
      <p>{why}</p>
      <p>
        <strong>Cure:</strong> {cure}
      </p>
    </article>
  );
}
