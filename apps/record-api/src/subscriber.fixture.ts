import { parseWithDigits, type ViewEntry } from '@weft/domain';
import type { Change } from './change-feed.js';
import type { Region } from './region.fixture.js';

type Line = Omit<Change, 'entry'> & { readonly entry: ViewEntry | null; readonly cursor?: string };
export interface LastLine {
  readonly kind: 'ended';
  readonly reason: string;
  readonly cursor?: string;
}

/** A subscriber's end of the stream. */
export class Subscriber {
  readonly lines: (Line | LastLine | 'up to date')[] = [];
  readonly status: number;
  readonly cursor: string | null;
  private readonly controller: AbortController;
  readonly ended: Promise<void>;

  private constructor(response: Response, controller: AbortController) {
    this.status = response.status;
    this.cursor = response.headers.get('weft-cursor');
    this.controller = controller;
    this.ended = this.read(response).catch(() => undefined);
  }

  static async open(region: Region, path: string, more: Parameters<Region['tokenWith']>[0] = {}): Promise<Subscriber> {
    const controller = new AbortController();
    const headers = { authorization: `Bearer ${await region.tokenWith({ roles: ['subscriber'], ...more })}` };
    return new Subscriber(
      await fetch(`${region.url}/record-changes/${path}`, { headers, signal: controller.signal }),
      controller,
    );
  }

  private async read(response: Response): Promise<void> {
    let rest = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.lines.push(line === '' ? 'up to date' : (parseWithDigits(line) as Line | LastLine));
    }
  }

  get changes(): Line[] {
    return this.lines.filter((line): line is Line => line !== 'up to date' && line.kind !== 'ended');
  }

  async until(condition: (subscriber: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  async leave(): Promise<void> {
    this.controller.abort();
    await this.ended;
  }
}

export const isUpToDate = ({ lines }: Subscriber): boolean => lines.includes('up to date');
