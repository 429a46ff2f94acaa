import { bytesOf, decodeNumberEvent, withoutChain } from './encoding.js';
import type { StoredEvent } from './ports.js';

const CHAIN = '0123456789abcdef0123456789abcdef';
const stored = (text: string, change: Partial<StoredEvent> = {}): StoredEvent => ({
  ...{ stream: 'careRecord-k', revision: 0, position: '0', id: '', type: 'views-waited-1', meta: {}, data: bytesOf(text) },
  ...change,
});

describe('an event of a number’s stream', () => {
  it('is what was said and its type, with its hash apart', () => {
    const { event, chain } = decodeNumberEvent(stored(`{"until":[[0,1]],"chain":"${CHAIN}"}`));
    expect(event).toEqual({ until: [[0, 1]], type: 'views-waited-1' });
    expect(chain).toBe(CHAIN);
  });

  it('has no hash where it was written before streams were chained', () => {
    const { event, chain } = decodeNumberEvent(stored('{"until":[]}'));
    expect(event).toEqual({ until: [], type: 'views-waited-1' });
    expect(chain).toBe('');
  });

  it('says what it waits for, which stands beside it', () => {
    const meta = { awaits: { ends: [[0, 1]] } };
    expect(decodeNumberEvent(stored('{"until":[]}', { meta })).event).toEqual({ until: [], type: 'views-waited-1', ...meta });
  });

  it.each(['{"chain":"short"}', `{"a":{"chain":"${CHAIN}"}}`, `{"a":1,"chain":"${CHAIN.toUpperCase()}"}`, '', '{}'])(
    'is left as it is where its last member is no hash: %s',
    (text) => {
      expect(withoutChain(text)).toEqual({ text, chain: '' });
    },
  );
});
