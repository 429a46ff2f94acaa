import { createHash } from 'node:crypto';
import type { Clock } from '@weft/processing';
import { problemOf } from '@weft/service';

const REQUESTS_MAX = 10_000;
/** A client that tries again does so within this. */
const REMEMBERED_MS = 10 * 60_000;

/**
 * The same request, sent again before it was answered for good, has the ids that it had: what of it is durable already is taken for that. Once it
 * was answered it is another request, because a state may come back.
 */
export class RepeatedRequests {
  private readonly open = new Map<string, { readonly key: string; readonly at: number }>();

  constructor(
    private readonly clock: Pick<Clock, 'steady'>,
    private readonly newKey: () => string,
  ) {}

  async run<T>(request: readonly (string | Uint8Array)[], work: (key: string) => Promise<T>): Promise<T> {
    const name = nameOf(request);
    const known = this.open.get(name);
    const now = this.clock.steady();
    const key = known !== undefined && now - known.at < REMEMBERED_MS ? known.key : this.newKey();
    this.open.delete(name);
    this.open.set(name, { key, at: now });
    for (const oldest of this.open.keys()) {
      if (this.open.size <= REQUESTS_MAX) break;
      this.open.delete(oldest);
    }
    try {
      const result = await work(key);
      this.open.delete(name);
      return result;
    } catch (error) {
      if (problemOf(error).problem.statusCode < 500) this.open.delete(name);
      throw error;
    }
  }
}

function nameOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length} `).update(part);
  return hash.digest('base64url');
}
