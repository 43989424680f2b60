/**
 * The declared metrics as prom-client's objects. Nothing here is awaited on the path of an invoke: counting is a few
 * additions.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { METRICS, type MetricDeclaration, type MetricName } from "./declarations.ts";

type Labels = Readonly<Record<string, string>>;

export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #collectors: Array<() => void | Promise<void>> = [];

  constructor() {
    for (const [name, declaration] of Object.entries(METRICS) as ReadonlyArray<
      readonly [MetricName, MetricDeclaration]
    >)
      this.#make(name, declaration);
  }

  count(name: MetricName, labels: Labels = {}, by = 1): void {
    this.#counters.get(name)?.inc(labels, by);
  }

  set(name: MetricName, value: number, labels: Labels = {}): void {
    this.#gauges.get(name)?.set(labels, value);
  }

  add(name: MetricName, by: number): void {
    this.#gauges.get(name)?.inc(by);
  }

  observe(name: MetricName, value: number, labels: Labels = {}): void {
    this.#histograms.get(name)?.observe(labels, value);
  }

  reset(name: MetricName): void {
    this.#gauges.get(name)?.reset();
  }

  /** Registers a function that is called before each scrape, for figures that are looked up and not counted. */
  collect(collector: () => void | Promise<void>): void {
    this.#collectors.push(collector);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Writes Prometheus's text form. A figure that can't be looked up keeps its last value. */
  async text(): Promise<string> {
    await Promise.allSettled(this.#collectors.map(async (collector) => collector()));
    return this.#registry.metrics();
  }

  #make(name: string, { kind, help, labels, buckets }: MetricDeclaration): void {
    const options = { name, help, labelNames: [...labels], registers: [this.#registry] };
    if (kind === "counter") this.#counters.set(name, new Counter(options));
    else if (kind === "gauge") this.#gauges.set(name, new Gauge(options));
    else
      this.#histograms.set(
        name,
        new Histogram({ ...options, ...(buckets === undefined ? {} : { buckets: [...buckets] }) }),
      );
  }
}
