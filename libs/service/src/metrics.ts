import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; from a cached read to a long wait for a decision to be obeyed. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Prometheus metrics of one app. Asking twice for a name gives the same metric. Names begin with `weft_` and end in their
 * unit; a label never holds a patient's key, which would make one time series a person.
 */
export class Metrics {
  readonly registry = new Registry();
  private readonly collectors = new Map<string, (() => Promise<void>)[]>();

  /** Memory, event loop, garbage collection of this process. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return this.once(name, () => new Counter({ name, help, labelNames, registers: [this.registry] }));
  }

  /** `collect` is called on every scrape and sets the value; so is that of whoever asks for the same gauge later. */
  gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L> {
    const collectors = this.collectors.get(name) ?? [];
    this.collectors.set(name, collectors);
    const gauge = this.once(name, () => {
      const collectAll = async () => void (await Promise.all(collectors.map((one) => one())));
      return new Gauge({ name, help, labelNames, registers: [this.registry], collect: collectAll });
    });
    if (collect !== undefined) collectors.push(async () => collect(gauge));
    return gauge;
  }

  histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: readonly number[] = SECONDS,
  ): Histogram<L> {
    return this.once(name, () => new Histogram({ name, help, labelNames, buckets: [...buckets], registers: [this.registry] }));
  }

  private once<M>(name: string, make: () => M): M {
    return (this.registry.getSingleMetric(name) as M | undefined) ?? make();
  }
}
