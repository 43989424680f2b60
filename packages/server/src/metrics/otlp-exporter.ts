/**
 * Sends spans to an OpenTelemetry collector: OTLP over HTTP with JSON, in batches, from a bounded queue. It is our own
 * code because this one request is all that we would use of OpenTelemetry's SDK: our spans are finished when they come,
 * and carry no context. A collector that is slow or gone costs spans, which are counted, and nothing else.
 */
import type { Clock } from "../base/clock.ts";
import type { Span } from "./restore-trace.ts";

const QUEUE_LENGTH_MAX = 2048;
const BATCH_LENGTH_MAX = 512;
const DELAY_MS = 1000;
const TIMEOUT_MS = 10_000;

export interface OtlpOptions {
  /** Address of the collector with its path, `…/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly clock: Clock;
  readonly onDropped: (count: number) => void;
}

export class OtlpExporter {
  readonly #options: OtlpOptions;
  #queue: Span[] = [];
  #cancelSend: (() => void) | null = null;
  #sending: Promise<void> = Promise.resolve();

  constructor(options: OtlpOptions) {
    this.#options = options;
  }

  add(spans: readonly Span[]): void {
    if (this.#queue.length + spans.length > QUEUE_LENGTH_MAX) return this.#options.onDropped(spans.length);
    this.#queue.push(...spans);
    this.#cancelSend ??= this.#options.clock.after(DELAY_MS, () => void this.flush());
  }

  /** Sends all spans that were added. Resolves when they are sent, or given up. Never rejects. */
  flush(): Promise<void> {
    this.#cancelSend?.();
    this.#cancelSend = null;
    this.#sending = this.#sending.then(() => this.#sendAll());
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH_LENGTH_MAX);
      if (!(await this.#send(batch))) this.#options.onDropped(batch.length);
    }
  }

  async #send(spans: readonly Span[]): Promise<boolean> {
    const { url, headers, serviceName } = this.#options;
    const resource = { attributes: [{ key: "service.name", value: { stringValue: serviceName } }] };
    const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "thaw" }, spans }] }] });
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }
}
