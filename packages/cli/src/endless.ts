/** Requests whose answers have no end. The client behind `fetch` gives up where nothing comes for five minutes. */
import { request as requestHttps } from "node:https";
import { Readable } from "node:stream";

/** Not imported: to import it loads the client behind `fetch`, too, which takes 40 ms and 13 MiB. */
const { request: requestHttp } = process.getBuiltinModule("node:http");

export interface EndlessRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | null;
}

/** Sends a request without a body; resolves with the head of its answer, as `fetch` does. */
export function fetchEndless(url: string, { method, headers, signal }: EndlessRequest): Promise<Response> {
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = send(url, { method, headers, agent: false, ...(signal === null ? {} : { signal }) }, (answer) => {
      resolve(new Response(Readable.toWeb(answer) as never, { status: answer.statusCode ?? 0 }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
