/** Sends the event of an invocation again, where this tab of the browser has it. */
import { useState } from "preact/hooks";
import { detailsOf, invoke } from "../api/invoke.ts";
import { rememberSent, type SentEvent, sentOf } from "../api/sent-events.ts";
import { go } from "../location.ts";
import { pathOf } from "../route.ts";

export function Again({ requestId, isAdmin }: { readonly requestId: string; readonly isAdmin: boolean }) {
  const sent = sentOf(requestId);
  if (!isAdmin) return <p class="muted">A read-only login invokes nothing again.</p>;
  if (sent === null)
    return (
      <p class="muted">
        It can't be invoked again from here: payloads are not kept, but of what Test sent lately in this tab of the
        browser.
      </p>
    );
  return <Button sent={sent} />;
}

function Button({ sent }: { readonly sent: SentEvent }) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const run = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const { functionName, qualifier, type, event } = sent;
      const { requestId } = await invoke(functionName, qualifier, type, event);
      rememberSent({ ...sent, requestId });
      // An event that waits is not known yet: its page says so, and shows it when it has run.
      if (type === "RequestResponse") await detailsOf(requestId);
      go(pathOf({ view: "invocation", requestId }));
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  return (
    <p>
      <button type="button" disabled={isBusy} onClick={() => void run()}>
        Invoke again
      </button>{" "}
      <span class="muted">
        {sent.functionName}:{sent.qualifier}, with the same event
      </span>{" "}
      <span role="status">{isBusy ? "Running…" : problem}</span>
    </p>
  );
}
