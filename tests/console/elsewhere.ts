/** What a page of another origin may try on the console of a server, with a token that it stole. */
import type { Page } from "playwright-core";

export interface Tried {
  /** The attempts that reached something. */
  readonly reached: readonly string[];
  readonly canSeeOpened: boolean;
}

export async function tryFromElsewhere(page: Page, address: string, token: string): Promise<Tried> {
  return page.evaluate(
    async ({ endpoint, stolen }) => {
      const reached: string[] = [];
      const attempt = async (what: string, run: () => Promise<boolean>): Promise<void> => {
        if (await run().catch(() => false)) reached.push(what);
      };
      const headers = { authorization: `Bearer ${stolen}` };
      await attempt(
        "fetch with a token",
        async () => (await fetch(`${endpoint}/_thaw/v1/environments`, { headers })).ok,
      );
      await attempt("fetch of the page", async () => (await fetch(`${endpoint}/_thaw/console/`)).ok);
      await attempt("post", async () => {
        const answer = await fetch(`${endpoint}/_thaw/v1/environments/stop`, { method: "POST", body: "{}" });
        return answer.ok;
      });
      await attempt(
        "script",
        () =>
          new Promise((done) => {
            const script = document.createElement("script");
            script.src = `${endpoint}/_thaw/v1/health`;
            script.onload = () => done(true);
            script.onerror = () => done(false);
            document.body.append(script);
          }),
      );
      await attempt(
        "frame",
        () =>
          new Promise((done) => {
            const frame = document.createElement("iframe");
            frame.src = `${endpoint}/_thaw/console/`;
            frame.onload = () => {
              try {
                done((frame.contentDocument?.getElementById("app") ?? null) !== null);
              } catch {
                done(false);
              }
            };
            document.body.append(frame);
          }),
      );
      await attempt(
        "socket",
        () =>
          new Promise((done) => {
            const socket = new WebSocket(`${endpoint.replace("http", "ws")}/_thaw/v1/environments`);
            socket.onopen = () => done(true);
            socket.onerror = () => done(false);
          }),
      );
      // The opener policy cuts the two apart: what was opened looks closed.
      const opened = window.open(`${endpoint}/_thaw/console/`);
      return { reached, canSeeOpened: opened !== null && opened.length > 0 };
    },
    { endpoint: address, stolen: token },
  );
}
