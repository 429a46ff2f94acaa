import type { RecordEntry } from '@weft/care-events';
import fc from 'fast-check';
import { beginning, pageAt, type Position, wereAllThere } from './everything-pages.js';

const BEGAN = '2026-03-01T12:00:00.000Z';
const LATER = '2026-03-01T12:00:01.000Z';
const entry = (id: string, recordedAt = BEGAN): RecordEntry => ({
  id,
  organisation: 'RX901',
  resourceType: 'Observation',
  occurredAt: null,
  recordedAt,
  resource: { resourceType: 'Observation', id },
});

describe('reading everything page by page', () => {
  it('begins now, or with the newest entry where a projector’s clock is ahead', () => {
    expect(beginning([entry('a')], LATER)).toEqual({ asAt: LATER, after: '' });
    expect(beginning([entry('a', LATER), entry('b')], BEGAN)).toEqual({ asAt: LATER, after: '' });
  });

  it('need not ask what was there while nothing came', () => {
    expect(wereAllThere([entry('a')], { asAt: BEGAN, after: '' })).toBe(true);
    expect(wereAllThere([entry('a', LATER)], { asAt: BEGAN, after: '' })).toBe(false);
  });

  it('gives each entry once and comes to an end, with one more at each page, some amended and some gone', () => {
    const id = (number: number) => `e${String(number).padStart(3, '0')}`;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 9 }), fc.array(fc.nat(80)), (size, count, moves) => {
        let held = Array.from({ length: size }, (_, index) => entry(id(index * 2)));
        const there = new Set(held.map((one) => one.id));
        const [gone, seen] = [new Set<string>(), [] as string[]];
        let next: Position | null = beginning(held, BEGAN);
        for (let pages = 0; next !== null; pages += 1) {
          expect(pages).toBeLessThanOrEqual(size);
          const page = pageAt(next, held, (one) => there.has(one), count);
          seen.push(...page.entries.map((one) => one.id));
          next = page.next;
          const move = moves[pages] ?? 0;
          held = held.flatMap((one) => (one.id !== id(move) ? [one] : move % 4 === 0 ? [entry(one.id, LATER)] : []));
          if (move % 4 !== 0) gone.add(id(move));
          held.push(entry(id(pages * 2 + 1), LATER));
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.every((one) => there.has(one))).toBe(true);
        expect([...there].filter((one) => !gone.has(one) && !seen.includes(one))).toEqual([]);
      }),
    );
  });

  it('counts what may be given now of what was there', () => {
    const held = [entry('c', LATER), entry('b', LATER), entry('a')];
    const page = pageAt({ asAt: BEGAN, after: '' }, held, (id) => id === 'b', 1);
    expect(page).toEqual({ entries: [held[2]], total: 2, next: { asAt: BEGAN, after: 'a' } });
    expect(pageAt(page.next!, held, (id) => id === 'b', 1)).toEqual({ entries: [held[1]], total: 2, next: null });
  });
});
