import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copied, laterThan } from './src/copied.js';
import { cut } from './src/cut.js';
import { flipped } from './src/flipped.js';
import { fullDisk, whyNoFullDisk } from './src/full-disk.js';
import { ioErrors, whyNoIoErrors } from './src/io-errors.js';
import { kills } from './src/kills.js';
import { MEMORY, type PartOptions } from './src/part.js';

/** A part of what `npm run crash` does; what shows a broken promise is left where the finding says. */
const LONG_MS = 300_000;

const made: string[] = [];
const given = (below = tmpdir()): PartOptions => {
  const directory = mkdtempSync(join(below, 'weft-crash-'));
  made.push(directory);
  return { seed: 1, directory, onProgress: () => undefined };
};
let isWhole = true;
const expectNothingBroken = (findings: readonly unknown[]): void => {
  isWhole &&= findings.length === 0;
  expect(findings).toEqual([]);
};
afterAll(() => {
  if (isWhole) for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

describe('embedded engines under the real projectors', () => {
  it(
    'have everything acknowledged, once and in order, wherever SIGKILL meets them',
    async () => {
      const { cases, counts, findings } = await kills({ ...given(), kills: 60, lanes: 2 });
      expectNothingBroken(findings);
      expect(cases).toBeGreaterThanOrEqual(60);
      expect(Object.values(counts).filter((count) => count > 0).length).toBeGreaterThan(30);
    },
    LONG_MS,
  );

  it(
    'name a log that was cut short in its last transaction, and without its index have all that was before it',
    async () => {
      const { cases, findings } = await cut({ ...given(MEMORY), stride: 97 });
      expectNothingBroken(findings);
      expect(cases).toBeGreaterThan(100);
    },
    LONG_MS,
  );

  it(
    'give what was written or name the damage, whichever bit is flipped in whichever file',
    async () => {
      const { cases, findings } = await flipped({ ...given(MEMORY), flips: 400 });
      expectNothingBroken(findings);
      expect(cases).toBeGreaterThanOrEqual(400);
    },
    LONG_MS,
  );

  it(
    'are refused, or as they were at some moment, where they were copied file by file while at work, or without some of the files',
    async () => {
      const { cases, findings } = await copied({ ...given(), copies: 24 });
      expectNothingBroken(findings);
      expect(cases).toBeGreaterThan(24);
    },
    LONG_MS,
  );
});

describe('what a copy is found to hold', () => {
  const outcomes = (...positions: readonly number[]) =>
    new Map([
      ['readAll', JSON.stringify(positions.map((position) => ({ position: String(position), data: `of ${position}` })))],
      ['the check of the whole file', 'nothing'],
    ]);
  const whole = outcomes(1, 2, 5, 6);

  it('is an earlier moment where it ends earlier, or still has what something took the place of later', () => {
    expect(laterThan(outcomes(1, 2, 5), whole)).toEqual([]);
    expect(laterThan(outcomes(1, 2, 3, 4, 5), whole)).toEqual([]);
  });

  it('is no moment at all where something between is gone, or is another', () => {
    expect(laterThan(outcomes(1, 5), whole)).toEqual(['readAll: what stood at 2 is gone, and what came after it is there']);
    const other = new Map(whole).set('readAll', JSON.stringify([{ position: '1', data: 'of another' }]));
    expect(laterThan(other, whole)).toEqual(['readAll: another thing stands at 1']);
  });

  it('is nothing to go by where it was not read to its end, unless the damage was named', () => {
    expect(laterThan(new Map([['open', new Error('no such table')]]), whole)).toHaveLength(2);
  });
});

const noFullDisk = whyNoFullDisk(given().directory);
(noFullDisk === undefined ? describe : describe.skip)(
  `embedded engines on a full disk${noFullDisk ? `: ${noFullDisk}` : ''}`,
  () => {
    it(
      'refuse by name, lose nothing acknowledged, and go on once there is room',
      async () => {
        const { counts, findings } = await fullDisk({ ...given(), sizesKib: [16, 128, 320] });
        expectNothingBroken(findings);
        expect(Object.keys(counts).sort()).toEqual(['full when files were made', 'full while at work']);
      },
      LONG_MS,
    );
  },
);

const noErrors = whyNoIoErrors();
(noErrors === undefined ? describe : describe.skip)(
  `embedded engines on a failing disk${noErrors ? `: ${noErrors}` : ''}`,
  () => {
    it(
      'refuse by name, lose nothing acknowledged, and go on once it works again',
      async () => {
        const { counts, findings } = await ioErrors({ ...given(), errors: 12 });
        expectNothingBroken(findings);
        expect(Object.keys(counts).filter((outcome) => outcome.endsWith('calls refused')).length).toBeGreaterThan(3);
      },
      LONG_MS,
    );
  },
);
