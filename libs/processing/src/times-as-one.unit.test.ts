import type { IdentityEvent } from '@weft/domain';
import { encode } from './encoding.js';
import { idleRegion } from './region.fixture.js';
import { careRecordStream } from './streams.js';
import { timesAsOne } from './times-as-one.js';
import type { Wiring } from './wiring.js';

const at = (hour: number): string => `2026-01-01T0${hour}:00:00.000Z`;

async function happened(wiring: Wiring, moves: readonly (readonly [string, IdentityEvent])[]): Promise<void> {
  for (const [number, event] of moves) {
    const stream = careRecordStream(number);
    await wiring.store.append(stream, await wiring.store.head(stream), [encode(event, wiring.random)]);
  }
}

const merged = (number: string, by: string, hour: number): (readonly [string, IdentityEvent])[] => [
  [
    number,
    { type: 'number-superseded-1', by, byNhsNumber: '', ownNhsNumber: '', cause: `${number}${hour}`, recordedAt: at(hour) },
  ],
  [by, { type: 'number-absorbed-1', key: number, ownNhsNumber: '', recordedAt: at(hour) }],
];
const parted = (number: string, by: string, hour: number): (readonly [string, IdentityEvent])[] => [
  [number, { type: 'number-restored-1', cause: `${number}${hour}`, recordedAt: at(hour) }],
  [by, { type: 'number-released-1', key: number, recordedAt: at(hour) }],
];

describe('the times in which numbers were one person', () => {
  it('are those between merges and their undoing, through others too', async () => {
    const wiring = await idleRegion();
    await happened(wiring, [...merged('a', 'b', 1), ...merged('b', 'c', 2), ...parted('b', 'c', 3), ...parted('a', 'b', 4)]);
    await happened(wiring, merged('a', 'c', 5));
    expect(await timesAsOne(wiring.store, 'a')).toEqual(
      new Map([
        ['b', [{ since: at(1), until: at(4) }]],
        [
          'c',
          [
            { since: at(2), until: at(3) },
            { since: at(5), until: null },
          ],
        ],
      ]),
    );
    expect((await timesAsOne(wiring.store, 'c')).get('b')).toEqual([{ since: at(2), until: at(3) }]);
  });

  it('are none of a number that was never merged', async () => {
    expect(await timesAsOne((await idleRegion()).store, 'a')).toEqual(new Map());
  });
});
