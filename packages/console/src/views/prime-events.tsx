/** Prime events of a version: to be sent as others are, and how an event becomes one. */
import { useEffect, useState } from "preact/hooks";
import type { AnswerOf } from "@thaw/thaw-api/types";
import { get } from "../api/client.ts";
import { Copy } from "../ui/parts.tsx";
import { counted } from "../words.ts";

/** Characters of an event in the list of them. */
const LABEL_LENGTH = 60;

export function PrimeEvents({
  name,
  qualifier,
  event,
  isWhole,
  take,
}: {
  readonly name: string;
  readonly qualifier: string;
  readonly event: string;
  /** False while the event is no JSON. */
  readonly isWhole: boolean;
  readonly take: (event: string) => void;
}) {
  const { primes, problem } = usePrimes(name, qualifier);
  const [isMarking, setMarking] = useState(false);
  return (
    <fieldset>
      <legend>Prime events</legend>
      <label>
        Served before the snapshot{" "}
        <select
          value=""
          onChange={({ currentTarget }) => {
            const chosen = primes?.events[Number(currentTarget.value)];
            if (currentTarget.value !== "" && chosen !== undefined) take(chosen);
          }}
        >
          <option value="">{primes === null || primes.events.length === 0 ? "none" : "choose"}</option>
          {primes?.events.map((each, at) => (
            // oxlint-disable-next-line react/no-array-index-key -- an event may be there twice
            <option key={at} value={at}>
              {`${at + 1}: ${each.slice(0, LABEL_LENGTH)}${each.length > LABEL_LENGTH ? "…" : ""}`}
            </option>
          ))}
        </select>
      </label>{" "}
      {primes !== null && primes.events.length > 0 && (
        <span class="muted">
          of version {primes.version}, {counted(primes.times, "time")} each{" "}
        </span>
      )}
      <button type="button" disabled={!isWhole} aria-expanded={isMarking} onClick={() => setMarking(!isMarking)}>
        Make this event one
      </button>
      <span role="alert" class="bad">
        {problem}
      </span>
      {isMarking && isWhole && <Marked event={event} />}
    </fieldset>
  );
}

/** They are part of the code, which no login of the console changes. */
function Marked({ event }: { readonly event: string }) {
  const line = `- ${JSON.stringify(JSON.parse(event))}`;
  return (
    <div role="region" aria-label="How this event becomes a prime event">
      <p>
        Prime events are part of the code, and <code>thaw deploy</code> puts them there: write this line below{" "}
        <code>Metadata: Thaw: Prime: Events:</code> of the function in its template, and deploy it.
      </p>
      <p>
        <Copy text={line} />
      </p>
    </div>
  );
}

interface Primes {
  readonly primes: AnswerOf<"readPrimeEvents"> | null;
  readonly problem: string | null;
}

/** Asked once for each version: its code does not change, and that of $LATEST seldom. */
function usePrimes(name: string, qualifier: string): Primes {
  const [state, setState] = useState<Primes>({ primes: null, problem: null });
  useEffect(() => {
    const stop = new AbortController();
    setState({ primes: null, problem: null });
    get("prime-events/{function}", { parameters: { function: `${name}:${qualifier}` } }, stop.signal).then(
      (primes) => setState({ primes, problem: null }),
      (error: unknown) => {
        if (!stop.signal.aborted) setState({ primes: null, problem: (error as Error).message });
      },
    );
    return () => stop.abort();
  }, [name, qualifier]);
  return state;
}
