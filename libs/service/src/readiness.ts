import { within, type Timers } from '@weft/processing';

/** Resolves when what it asks about works; throws when not. */
export type Probe = () => Promise<void>;

export interface ReadinessReport {
  readonly status: 'ready' | 'not-ready';
  /** `failed` says no more than that: the reason is in the log. */
  readonly checks: Readonly<Record<string, 'ok' | 'failed' | 'timed-out'>>;
  /** What somebody must look at, though this process can do its own work. */
  readonly details?: Readonly<Record<string, string>>;
}

/** What must work before an app takes requests. */
export class Readiness {
  private readonly probes = new Map<string, Probe>();
  private readonly descriptions = new Map<string, () => Promise<string | null>>();
  constructor(
    private readonly timers: Timers,
    private readonly onFailure: (name: string, error: unknown) => void,
    private readonly limitMs = 2_000,
  ) {}

  register(name: string, probe: Probe): void {
    this.probes.set(name, probe);
  }

  /** Adds a detail to the report, null where there is nothing to say. It takes nobody out of service. */
  describe(name: string, describe: () => Promise<string | null>): void {
    this.descriptions.set(name, describe);
  }

  async check(): Promise<ReadinessReport> {
    const results = await Promise.all(
      [...this.probes].map(async ([name, probe]) => [name, await this.ask(name, probe)] as const),
    );
    const ready = results.every(([, result]) => result === 'ok');
    const details = await this.details();
    const status = ready ? 'ready' : 'not-ready';
    return { status, checks: Object.fromEntries(results), ...(Object.keys(details).length > 0 && { details }) };
  }

  private async details(): Promise<Record<string, string>> {
    const told = await Promise.all(
      [...this.descriptions].map(async ([name, describe]): Promise<[string, string][]> => {
        const text = await within(
          this.timers,
          this.limitMs,
          describe().catch(() => null),
        );
        return typeof text === 'string' ? [[name, text]] : [];
      }),
    );
    return Object.fromEntries(told.flat());
  }

  private async ask(name: string, probe: Probe): Promise<'ok' | 'failed' | 'timed-out'> {
    const asked = probe().then(
      () => 'ok' as const,
      (error: unknown) => {
        this.onFailure(name, error);
        return 'failed' as const;
      },
    );
    return (await within(this.timers, this.limitMs, asked)) ?? 'timed-out';
  }
}
