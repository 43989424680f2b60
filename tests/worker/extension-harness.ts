/** Extensions of the fake engine, as programs that speak their API. */
import type { FakeExtension, FakeProcess } from "@thaw/server/testing/fakes";

export const API = "/2020-01-01/extension";

interface Registered {
  readonly status: number;
  readonly id: string;
  readonly body: Record<string, unknown>;
}

export async function register(
  process: FakeProcess,
  name: string,
  events: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Registered> {
  const answer = await process.call("POST", `${API}/register`, JSON.stringify({ events }), {
    "lambda-extension-name": name,
    ...headers,
  });
  const id = answer.headers["Lambda-Extension-Identifier"] ?? "";
  return { status: answer.status, id, body: JSON.parse(answer.body) as Record<string, unknown> };
}

export interface Next {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly event: Record<string, unknown>;
}

export async function next(process: FakeProcess, id: string): Promise<Next> {
  const answer = await process.call("GET", `${API}/event/next`, "", { "lambda-extension-identifier": id });
  return { status: answer.status, headers: answer.headers, event: JSON.parse(answer.body) as Record<string, unknown> };
}

/** An extension that registers, and handles events until its SHUTDOWN. */
export function listener(
  name: string,
  events: readonly string[],
  on: (process: FakeProcess, next: Next) => void | Promise<void>,
): FakeExtension {
  const loop = async (process: FakeProcess, id: string): Promise<void> => {
    for (;;) {
      const came = await next(process, id);
      await on(process, came);
      if (came.event["eventType"] === "SHUTDOWN") return;
    }
  };
  return {
    start: async (process, state) => {
      const { id } = await register(process, name, events);
      state["id"] = id;
      await loop(process, id);
    },
    resume: (process, state) => loop(process, String(state["id"])),
  };
}
