import type { Timers } from '@weft/processing';

/** Resolves when what it asks about works; throws when not. */
export type Probe = () => Promise<void>;

export interface ReadinessReport {
  readonly status: 'ready' | 'not-ready';
  /** `failed` says no more than that: the reason is in the log. */
  readonly checks: Readonly<Record<string, 'ok' | 'failed' | 'timed-out'>>;
}

/** What must work before an app takes requests. */
export class Readiness {
  private readonly probes = new Map<string, Probe>();
  constructor(
    private readonly timers: Timers,
    private readonly onFailure: (name: string, error: unknown) => void,
    private readonly limitMs = 2_000,
  ) {}

  register(name: string, probe: Probe): void {
    this.probes.set(name, probe);
  }

  async check(): Promise<ReadinessReport> {
    const results = await Promise.all(
      [...this.probes].map(async ([name, probe]) => [name, await this.ask(name, probe)] as const),
    );
    const ready = results.every(([, result]) => result === 'ok');
    return { status: ready ? 'ready' : 'not-ready', checks: Object.fromEntries(results) };
  }

  private async ask(name: string, probe: Probe): Promise<'ok' | 'failed' | 'timed-out'> {
    const answered = new AbortController();
    const asked = probe().then(
      () => 'ok' as const,
      (error: unknown) => {
        this.onFailure(name, error);
        return 'failed' as const;
      },
    );
    const limit = this.timers.sleep(this.limitMs, answered.signal).then(() => 'timed-out' as const);
    return Promise.race([asked, limit]).finally(() => answered.abort());
  }
}
