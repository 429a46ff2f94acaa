import fc from 'fast-check';
import type { Letter } from './letters.js';
import { changesBetween, evolveViews, idsToTell, outdateViews, type Basis, type Effect, type Views } from './view.js';

const BASIS: Basis = { policyVersion: 1, span: { since: null, until: null }, others: [] };
const ORDER = Array.from({ length: 12 }, (_, place) => `RX901/Observation/${place}`);
const OTHERS = ['RX901/Observation/3~0123456789ab', 'Y90001/Condition/a'];
const idAt = (place: number): string => ORDER[place] as string;
const placeOf = (id: string): number | null => (ORDER.includes(id) ? ORDER.indexOf(id) : null);

const letters = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...ORDER, ...OTHERS), fc.constantFrom<Letter>('i', 'm', 'w', 'u', 'x', 'y')), {
    selector: ([id]) => id,
  })
  .map((pairs) => new Map(pairs));

function viewsOf(before: ReadonlyMap<string, Letter>): Views {
  return new Map([['research@2', { letters: new Map(before), revision: 3, basis: BASIS, isInLine: true }]]);
}

describe('the fold of a view’s effects', () => {
  it('makes of any state the one that the change was made for, whatever it was before', () => {
    fc.assert(
      fc.property(letters, letters, (before, after) => {
        const views = viewsOf(before);
        const changes = changesBetween(before, after, () => false, placeOf);
        evolveViews(views, JSON.parse(JSON.stringify({ views: { 'research@2': changes }, basis: BASIS })) as Effect, 4, idAt);
        expect(views.get('research@2')).toEqual({ letters: after, revision: 4, basis: BASIS, isInLine: true });
      }),
    );
  });

  it('writes places that lie side by side as one, and entries of other numbers by their ids', () => {
    const after = new Map<string, Letter>([0, 1, 2, 5].map((place) => [idAt(place), 'i']));
    after.set(OTHERS[0] as string, 'i');
    expect(changesBetween(new Map(), after, () => false, placeOf)).toEqual({ '-i': [[0, 2], 5, OTHERS[0]] });
  });

  it('does not believe a view while a part of an effect is missing, and names every view that a part is of', () => {
    const views = viewsOf(new Map());
    evolveViews(views, { views: { 'research@2': { '-i': [0] } } }, 4, idAt);
    expect(views.get('research@2')).toMatchObject({ revision: 3, isInLine: false });
    evolveViews(views, { views: { 'research@2': { '-i': [1] } }, basis: BASIS }, 5, idAt);
    expect(views.get('research@2')).toMatchObject({ revision: 5, isInLine: true });
  });

  it('does not believe a view of which an event that may change it says nothing', () => {
    const views = viewsOf(new Map());
    outdateViews(views, { views: { 'direct-care@2': {} }, basis: BASIS });
    expect(views.get('research@2')?.isInLine).toBe(false);
  });
});

describe('what subscribers are to be told of an effect', () => {
  it('is what is included, was, or reads otherwise, and nothing of what they never had', () => {
    const changes = { '-i': [0], '-w': [1], iw: [2], ii: [3], wx: [4], 'i-': [5], mi: [6], wi: [7], 'w-': [8] };
    const told = idsToTell(changes, idAt);
    expect([...told]).toEqual([0, 2, 3, 5, 6, 7].map((place) => [idAt(place), [2, 3, 5, 6].includes(place)]));
  });
});
