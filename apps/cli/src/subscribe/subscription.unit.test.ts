import type { Client } from '../client.js';
import { wholeLines } from './lines.js';
import { Subscription } from './subscription.js';

describe('a subscription', () => {
  it('keeps a cursor only once its line is out', async () => {
    const happened: string[] = [];
    const body = ['c1', 'c2', 'c3'].map((cursor) => `${JSON.stringify({ cursor })}\n`).join('');
    const client = { ask: () => Promise.resolve(new Response(body)) } as unknown as Client;
    const subscription = new Subscription({
      ...{ purpose: 'research', begin: 'beginning', hasNewTokens: true, signal: new AbortController().signal },
      connect: () => client,
      note: () => {},
      tell: async (line) => {
        // The reader has gone away.
        if (line.includes('c2')) throw new Error('EPIPE');
        happened.push(`told ${line}`);
      },
      keep: async (cursor) => void happened.push(`kept ${cursor}`),
    });
    await expect(subscription.run()).rejects.toThrow('EPIPE');
    expect(happened).toEqual(['told {"cursor":"c1"}', 'kept c1']);
    expect(subscription.cursor).toBe('c1');
  });
});

describe('the lines of a body', () => {
  const linesOf = async (...chunks: readonly Uint8Array[]) => {
    const lines: string[] = [];
    for await (const line of wholeLines(
      (async function* () {
        yield* chunks;
      })(),
    )) {
      lines.push(line);
    }
    return lines;
  };

  it('are whole, wherever the chunks fall, and what no line end follows is none', async () => {
    const bytes = Buffer.from('é1\n\n2é\n3');
    const expected = ['é1', '', '2é'];
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(await linesOf(bytes.subarray(0, at), bytes.subarray(at))).toEqual(expected);
    }
  });
});
