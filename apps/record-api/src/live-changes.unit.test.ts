import type { ViewEffect } from '@weft/domain';
import type { StoredEvent } from '@weft/processing';
import { partsOf } from './live-changes.js';

const changing = (changes: ViewEffect | null) =>
  ({
    meta: changes === null ? {} : { effect: { views: { 'direct-care@1': changes, 'research@1': {} } } },
  }) as unknown as StoredEvent;
const sizes = (...events: readonly (ViewEffect | null)[]) => [...partsOf(events.map(changing))].map((part) => part.length);

describe('the parts in which events are told', () => {
  it('are all of them where they change little', () => {
    expect(sizes({ '-i': [0] }, null, { ii: [0, 1] })).toEqual([3]);
    expect(sizes()).toEqual([]);
  });

  it('have no more than a thousand entries, or one event', () => {
    expect(sizes({ iw: [[0, 599]] }, { wi: [[0, 399]] }, { '-i': [600] })).toEqual([2, 1]);
    expect(sizes({ '-i': [0] }, { iw: [[0, 4_999]] }, { wi: [[0, 4_999]] }, null)).toEqual([1, 1, 2]);
  });

  it('count no entry that nobody is told of', () => {
    expect(sizes({ '-w': [[0, 999]] }, { '-i': [1_000] })).toEqual([2]);
  });
});
