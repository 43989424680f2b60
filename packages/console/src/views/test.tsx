/** Invokes a function, and shows what came of it: the answer, the end of the log, and where the time went. */
import type { InvocationDetails } from "@thaw/thaw-api/invocations";
import { layWaterfall } from "@thaw/thaw-api/waterfall";
import { useState } from "preact/hooks";
import { readAnsi } from "../ansi.ts";
import { post } from "../api/client.ts";
import { detailsOf, type Invoked, type InvokeType, invoke } from "../api/invoke.ts";
import { listAliases, listVersions } from "../api/lambda.ts";
import { rememberSent } from "../api/sent-events.ts";
import { session } from "../api/session.ts";
import { jsonProblem } from "../json-problem.ts";
import { pathOf } from "../route.ts";
import { SAMPLE_NAMES, type SampleName } from "../samples/names.ts";
import { AnsiText } from "../ui/log-line.tsx";
import { Badge, Problem } from "../ui/parts.tsx";
import { useData } from "../ui/use-data.ts";
import { WaterfallView } from "../ui/waterfall.tsx";
import { counted } from "../words.ts";
import { PrimeEvents } from "./prime-events.tsx";
import { SavedEvents } from "./saved-events.tsx";

const TYPES: readonly InvokeType[] = ["RequestResponse", "Event", "DryRun"];
const TIMES_MAX = 20;

interface Result {
  readonly invoked: Invoked;
  /** Null where the server has none of it, as of an asynchronous invoke that has not ended. */
  readonly details: InvocationDetails | null;
}

interface Wish {
  /** Empty: the first of those that there are. */
  readonly qualifier: string;
  readonly type: InvokeType;
  readonly times: number;
  readonly isCold: boolean;
}

const FIRST_WISH: Wish = { qualifier: "", type: "RequestResponse", times: 1, isCold: false };

export function TestTab({ name }: { readonly name: string }) {
  const [event, setEvent] = useKeptEvent(name);
  const [wish, setWish] = useState(FIRST_WISH);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [results, setResults] = useState<readonly Result[]>([]);
  const qualifiers = useData(`qualifiers ${name}`, (signal) => qualifiersOf(name, signal)).value ?? ["$LATEST"];
  const qualifier = wish.qualifier || (qualifiers[0] ?? "$LATEST");
  const wrong = jsonProblem(event);
  const run = async (submitted: Event): Promise<void> => {
    submitted.preventDefault();
    setBusy(true);
    setProblem(null);
    setResults([]);
    try {
      await invokeAll(name, { ...wish, qualifier }, event, (result) => setResults((before) => [...before, result]));
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  return (
    <>
      <form onSubmit={(submitted) => void run(submitted)}>
        <Options
          wish={{ ...wish, qualifier }}
          qualifiers={qualifiers}
          change={(some) => setWish({ ...wish, ...some })}
        />
        <EventField event={event} wrong={wrong} change={setEvent} />
        <SavedEvents name={name} event={event} isWhole={wrong === null} take={setEvent} />
        <PrimeEvents
          name={name}
          qualifier={qualifier}
          event={event}
          isWhole={wrong === null}
          take={(given) => setEvent(JSON.stringify(JSON.parse(given), null, 2))}
        />
        <button type="submit" disabled={isBusy || wrong !== null}>
          Invoke
        </button>
      </form>
      <Problem text={problem} />
      <div role="status">
        {isBusy ? <p>Running…</p> : results.length > 0 && <p>{counted(results.length, "invoke")} done.</p>}
      </div>
      {results.map((result) => (
        <ResultView key={result.invoked.requestId} result={result} />
      ))}
    </>
  );
}

/** The event that was written last for a function, as long as the browser's tab is open. */
function useKeptEvent(name: string): readonly [string, (text: string) => void] {
  const place = `event ${name}`;
  const [event, setEvent] = useState(sessionStorage.getItem(place) ?? "{}");
  const keep = (text: string): void => {
    setEvent(text);
    sessionStorage.setItem(place, text);
  };
  return [event, keep];
}

async function invokeAll(
  name: string,
  { qualifier, type, times, isCold }: Wish,
  event: string,
  onResult: (result: Result) => void,
): Promise<void> {
  if (isCold) await post("environments/stop", { function: name, version: qualifier });
  for (let count = 0; count < times; count++) {
    const invoked = await invoke(name, qualifier, type, event);
    if (type !== "DryRun") rememberSent({ requestId: invoked.requestId, functionName: name, qualifier, type, event });
    onResult({ invoked, details: type === "RequestResponse" ? await detailsOf(invoked.requestId) : null });
  }
}

function Options({
  wish,
  qualifiers,
  change,
}: {
  readonly wish: Wish;
  readonly qualifiers: readonly string[];
  readonly change: (some: Partial<Wish>) => void;
}) {
  return (
    <p class="filters">
      <Choice
        label="Qualifier"
        value={wish.qualifier}
        choices={qualifiers}
        choose={(qualifier) => change({ qualifier })}
      />
      <Choice label="Type" value={wish.type} choices={TYPES} choose={(type) => change({ type })} />
      <label>
        Times{" "}
        <input
          type="number"
          min={1}
          max={TIMES_MAX}
          value={wish.times}
          onInput={({ currentTarget }) =>
            change({ times: Math.min(Math.max(Math.floor(Number(currentTarget.value)) || 1, 1), TIMES_MAX) })
          }
        />
      </label>
      <label>
        <input
          type="checkbox"
          checked={wish.isCold}
          onChange={({ currentTarget }) => change({ isCold: currentTarget.checked })}
        />{" "}
        stop its environments first, for a cold start
      </label>
    </p>
  );
}

function Choice<T extends string>({
  label,
  value,
  choices,
  choose,
}: {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly T[];
  readonly choose: (choice: T) => void;
}) {
  return (
    <label>
      {label}{" "}
      <select value={value} onChange={({ currentTarget }) => choose(currentTarget.value as T)}>
        {choices.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}

function EventField({
  event,
  wrong,
  change,
}: {
  readonly event: string;
  readonly wrong: string | null;
  readonly change: (text: string) => void;
}) {
  const [problem, setProblem] = useState<string | null>(null);
  const take = async (name: SampleName | ""): Promise<void> => {
    setProblem(null);
    const place = session.value;
    if (name === "" || place === null) return;
    try {
      const { sampleOf } = await import("../samples/samples.ts");
      change(await sampleOf(name, place));
    } catch (error) {
      setProblem(`The event can't be loaded: ${(error as Error).message}`);
    }
  };
  return (
    <>
      <p class="filters">
        <Choice
          label="Event from"
          value=""
          choices={["", ...SAMPLE_NAMES] as const}
          choose={(name) => void take(name)}
        />
        <button
          type="button"
          disabled={wrong !== null}
          onClick={() => change(JSON.stringify(JSON.parse(event), null, 2))}
        >
          Format
        </button>
      </p>
      <Problem text={problem} />
      <label for="event">Event (JSON)</label>
      <textarea
        id="event"
        spellcheck={false}
        value={event}
        aria-invalid={wrong !== null}
        aria-describedby="event-problem"
        onInput={({ currentTarget }) => change(currentTarget.value)}
      />
      <p id="event-problem" class="bad">
        {wrong}
      </p>
    </>
  );
}

/** The alias of the newest version first, if there is one. */
async function qualifiersOf(name: string, signal: AbortSignal): Promise<readonly string[]> {
  const [versions, aliases] = await Promise.all([listVersions(name, signal), listAliases(name, signal)]);
  const numbers = versions.map(({ Version }) => Version ?? "").filter((version) => version !== "$LATEST");
  const newest = numbers.toSorted((a, b) => Number(b) - Number(a));
  const byVersion = aliases.toSorted((a, b) => Number(b.FunctionVersion) - Number(a.FunctionVersion));
  return [...byVersion.map(({ Name }) => Name ?? ""), ...newest, "$LATEST"];
}

function ResultView({ result: { invoked, details } }: { readonly result: Result }) {
  const { requestId, status, functionError, executedVersion, payload, payloadLength, log } = invoked;
  return (
    <section aria-label={`Result of ${requestId}`} class="result">
      <h2>
        {functionError === null ? <Badge tone="good">{status}</Badge> : <Badge tone="bad">{functionError}</Badge>}{" "}
        <a href={pathOf({ view: "invocation", requestId })}>{requestId}</a>
        {executedVersion !== null && <span class="muted"> version {executedVersion}</span>}
      </h2>
      {details !== null && (
        <>
          <p class="sentence">{layWaterfall(details).sentence}</p>
          <WaterfallView invocation={details} />
        </>
      )}
      <h3>Answer</h3>
      <pre tabIndex={0} role="region" aria-label={`Answer of ${requestId}`}>
        {payload}
        {payloadLength > payload.length && `\n… of ${counted(payloadLength, "character")}`}
      </pre>
      {log !== "" && (
        <>
          <h3>End of the log</h3>
          <pre tabIndex={0} role="region" aria-label={`Log of ${requestId}`}>
            {log.split("\n").map((line, at) => (
              // oxlint-disable-next-line react/no-array-index-key -- a line has no other name
              <div key={at}>
                <AnsiText runs={readAnsi(line)} />
              </div>
            ))}
          </pre>
        </>
      )}
    </section>
  );
}
