import { PROJECTIONS, PURPOSES, type Projection, type Purpose } from '@weft/domain';
import { SimKeys } from '@weft/testing';
import { changeMessages, epochIn, toldRevision } from './record-changes.js';

const keys = new SimKeys();
const projectionFor = (purpose: Purpose): Projection => PROJECTIONS.find((one) => one.purpose === purpose) as Projection;
const BEYOND = ['population-health', 'research'] as const;
const REVISIONS = Array.from({ length: 300 }, (_, revision) => revision);

function told(purpose: Purpose, viewKey: string): number[] {
  return REVISIONS.map((revision) => toldRevision(projectionFor(purpose), viewKey, revision, keys));
}
const steps = (numbers: readonly number[]): number[] => numbers.slice(1).map((one, index) => one - (numbers[index] as number));

describe.each(PURPOSES)('the revisions that subscribers of %s are told', (purpose) => {
  it('grow with the view’s own, whole numbers that every program can hold', () => {
    const numbers = told(purpose, 'a');
    expect(steps(numbers).every((step) => step > 0)).toBe(true);
    expect(numbers.every(Number.isSafeInteger)).toBe(true);
  });

  it('do not count: of equal steps some become more than a hundred times as long as others', () => {
    const sorted = steps(told(purpose, 'a')).sort((a, b) => a - b);
    expect(sorted[270]! / sorted[30]!).toBeGreaterThan(100);
  });

  it('are other ones for another person and for another purpose', () => {
    const others = new Set([
      ...told(purpose, 'b'),
      ...PURPOSES.filter((one) => one !== purpose).flatMap((one) => told(one, 'a')),
    ]);
    expect(told(purpose, 'a').filter((one) => others.has(one))).toEqual([]);
  });

  it('of a later version are above all of the version before', () => {
    const projection = projectionFor(purpose);
    const next = { ...projection, version: projection.version + 1 };
    expect(toldRevision(next, 'a', 0, keys)).toBeGreaterThan(toldRevision(projection, 'a', 500_000, keys));
  });
});

it('of a later epoch are above all of the one before, of whichever version, and say their epoch', () => {
  const projection = projectionFor('research');
  const last = toldRevision({ ...projection, version: 16 }, 'a', 500_000, keys, 4);
  const next = toldRevision({ ...projection, version: 1 }, 'a', 0, keys, 5);
  expect(next).toBeGreaterThan(last);
  expect([last, next].map((told) => epochIn({ headers: { ce_viewrevision: String(told) } }))).toEqual([4, 5]);
});

it('of an epoch far on are in order still', () => {
  const numbers = REVISIONS.map((revision) => toldRevision(projectionFor('research'), 'a', revision, keys, 900));
  expect(steps(numbers).every((step) => step >= 0)).toBe(true);
  expect(toldRevision(projectionFor('research'), 'a', 0, keys, 901)).toBeGreaterThan(numbers.at(-1)!);
});

it.each(BEYOND)('the changes of %s come with no time: what was told at one moment would belong together', (purpose) => {
  const change = { projection: projectionFor(purpose), viewKey: 'a', entryId: 'e', kind: 'included', viewRevision: 7 } as const;
  const messages = changeMessages([{ ...change, entry: '{}' }], keys, '2026-03-04T05:06:07.890Z');
  expect(JSON.stringify(messages.map(({ key, headers }) => [key, headers]))).not.toMatch(/2026|05:06/);
});

it('tells the changes of several views and revisions each under the number of its own', () => {
  const places = PURPOSES.flatMap((purpose) =>
    ['a', 'b'].flatMap((viewKey) => [7, 8].map((revision) => ({ purpose, viewKey, revision }))),
  );
  const changes = [...places, ...places].map(
    ({ purpose, viewKey, revision }) =>
      ({ projection: projectionFor(purpose), viewKey, entryId: 'e', kind: 'withdrawn', viewRevision: revision }) as const,
  );
  const numbers = changeMessages(changes, keys, '2026-03-04T05:06:07.890Z').map(({ headers }) => headers['ce_viewrevision']);
  const expected = changes.map((change) => String(toldRevision(change.projection, change.viewKey, change.viewRevision, keys)));
  expect(numbers).toEqual(expected);
});

it('subscribers of individual care are told when', () => {
  const change = {
    projection: projectionFor('direct-care'),
    viewKey: 'a',
    entryId: 'e',
    kind: 'included',
    viewRevision: 7,
  } as const;
  const [message] = changeMessages([{ ...change, entry: '{}' }], keys, '2026-03-04T05:06:07.890Z');
  expect(message?.headers).toMatchObject({ ce_time: '2026-03-04T05:06:07.890Z' });
});
