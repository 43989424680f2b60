/** One cell of the matrix: an operation meets a fault at a point; then all must be well again. */
import { expect } from "vitest";
import type { FaultHost } from "./fault-host.ts";
import { type Combination, holdsServerUp, isHealedByLook, processOf } from "./matrix.ts";
import { answersRight, OPERATION, type Outcome, type Subject } from "./operations.ts";

/** `witness`: a version that was Active before, and has nothing to do with it. */
export async function runCombination(host: FaultHost, combination: Combination, witness: Subject): Promise<void> {
  const { operation: name, point, fault } = combination;
  const operation = OPERATION[name];
  const subject = await operation.prepare(host);
  host.note();
  host.control.arm(point, fault);
  const running: Promise<Outcome> = operation.run(host, subject).then(
    (ok) => ({ ok }),
    (error: Error) => ({ error }),
  );
  await host.control.reached(point);
  if (fault === "delay") {
    try {
      if (!holdsServerUp(point)) await operation.whileHeld?.(host, subject, point);
    } finally {
      await host.control.release(point);
    }
  }
  const isLeftToLook = isHealedByLook(combination);
  if (isLeftToLook) await host.stop();
  const outcome = await running;
  if (fault === "delay" && "error" in outcome) throw new Error("a delay made it fail", { cause: outcome.error });
  const hasEnded = fault === "kill" && processOf(point) !== "pager";
  if (hasEnded) await host.gone();
  if (hasEnded || !host.isStarted) await host.start();
  // sandboxd starts another pager: for a client that is a fault like others. A new start leaves nothing to be wanted
  // after an error either.
  await operation.settle(
    host,
    subject,
    outcome,
    isLeftToLook || hasEnded ? "kill" : fault === "kill" ? "error" : fault,
  );
  await checkSound(host, witness);
}

async function checkSound(host: FaultHost, witness: Subject): Promise<void> {
  await answersRight(host, witness);
  let wrong: readonly string[] = [];
  const isSound = (): boolean => {
    wrong = host.storage.faults();
    return wrong.length === 0;
  };
  await host.until("what is stored is sound", isSound).catch((error: Error) => {
    throw new Error(`${wrong.join("\n")}\n${error.message}`);
  });
  expect(host.countEvents(), "events that wait").toBe(0);
}
