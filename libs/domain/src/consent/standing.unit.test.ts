import { PURPOSES } from '../vocabulary.js';
import type { Decision } from './decision.js';
import { DAY, decision, deny, NOW, permit, POLICY } from './decisions.fixture.js';
import { purposesStanding } from './standing.js';

const standing = (...decisions: readonly Decision[]) => {
  const found = purposesStanding(decisions, POLICY, NOW, { birthDates: () => [], deaths: () => [] });
  return decisions.map((one) => found.get(one));
};

describe('the purposes for which a decision stands', () => {
  it('are those that it names, where nothing came after it', () => {
    expect(standing(decision({}, deny(['research', 'direct-care'])))).toEqual([['direct-care', 'research']]);
  });

  it('are fewer where a later decision replaced it for some of them', () => {
    const [out, back] = [decision({}, deny(PURPOSES)), decision({}, permit(['research']))];
    expect(standing(out, back)).toEqual([['direct-care', 'care-coordination', 'population-health'], ['research']]);
  });

  it('are none where it was replaced, withdrawn, or is over', () => {
    const [out, back] = [decision({}, deny(['research'])), decision({}, permit(['research']))];
    const withdrawn = decision({ status: 'withdrawn', authority: 'type-1' }, deny(['research']));
    const over = decision({ authority: 'explicit-consent' }, { ...deny(['research']), until: NOW });
    expect(standing(out, back, withdrawn, over)).toEqual([[], ['research'], [], []]);
  });

  it('are those of a decision that begins later, and of what it will replace until then', () => {
    const [out, later] = [decision({}, deny(['research'])), decision({}, { ...permit(['research']), from: NOW + DAY })];
    expect(standing(out, later)).toEqual([['research'], ['research']]);
  });

  it('are not those for which no rule asks for its authority: a national opt-out is about no care', () => {
    const out = decision({ authority: 'national-data-opt-out' }, deny(['direct-care', 'research']));
    expect(standing(out)).toEqual([['research']]);
  });

  it('are none of a message that could not be read, once it is mended', () => {
    const unread = decision({ id: 'm', unread: true }, deny(PURPOSES));
    const mended = decision({ id: 'm' }, deny(['research']));
    expect(standing(unread)).toEqual([PURPOSES]);
    expect(standing(unread, mended)).toEqual([[], ['research']]);
  });
});
