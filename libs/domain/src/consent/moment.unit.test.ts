import { DAY, decision, deny, entry, NOW, permit, POLICY } from './decisions.fixture.js';
import { holdsAt, spanAt } from './in-force.js';
import { momentAt, type Moment } from './moment.js';
import { permits } from './permits.js';

/** The decision begins, or ends, a day from now. */
const AT = NOW + DAY;
const BEFORE = momentAt(AT - 1);
const UNSURE: Moment = { earliest: AT - 1, latest: AT };
const AFTER = momentAt(AT);

const shown = entry('RX901', 'Observation/o1');
/** What a permission opens: research is denied all else. */
const optOut = decision({ authority: 'national-data-opt-out' }, deny(['research']));
const dissent = (more: { readonly from?: number; readonly until?: number }) => [decision({}, { ...deny(['research']), ...more })];
const consent = (more: { readonly from?: number; readonly until?: number }) => [
  optOut,
  decision({ authority: 'explicit-consent' }, { ...permit(['research']), ...more }),
];

describe('the later time closes, the earlier opens', () => {
  it.each([
    ['a denial begins by the latest that it may be', dissent({ from: AT }), [true, false, false]],
    ['a denial ends by the earliest', dissent({ until: AT }), [false, false, true]],
    ['a permission begins by the earliest', consent({ from: AT }), [false, false, true]],
    ['a permission ends by the latest', consent({ until: AT }), [true, false, false]],
    [
      'a denial that takes the place of another leaves no gap',
      [...dissent({ until: AT }), ...dissent({ from: AT })],
      [false, false, false],
    ],
    [
      'a denial that lasts less long than nobody is sure what time it is counts',
      dissent({ from: AT - 0.75, until: AT - 0.25 }),
      [true, false, true],
    ],
  ])('%s', (_, decisions, expected) => {
    const is = [BEFORE, UNSURE, AFTER].map((at) => permits(shown, 'research', decisions, POLICY, at).permitted);
    expect(is).toEqual(expected);
  });

  it('names of several refusals the one that the policy has first', () => {
    const both = [optOut, ...dissent({ from: AT })];
    const rules = [BEFORE, UNSURE, AFTER].map((at) => permits(shown, 'research', both, POLICY, at).rule);
    expect(rules[1]).toBe(rules[2]);
    expect(rules[0]).not.toBe(rules[1]);
  });
});

describe('what was judged while nobody was sure', () => {
  const decisions = [...dissent({ from: AT, until: AT + DAY }), ...dissent({ from: AT + 2 * DAY })];
  const unsure = spanAt(decisions, { earliest: AT - 1, latest: AT + DAY });

  it('says of which beginnings and ends it was not sure', () => {
    expect(unsure).toEqual({ since: null, until: AT + 2 * DAY, unsure: [AT, AT + DAY] });
    expect(spanAt(decisions, momentAt(AT))).toEqual({ since: AT, until: AT + DAY });
  });

  it.each([
    [{ earliest: AT - 5, latest: AT + DAY + 5 }, true],
    [{ earliest: AT, latest: AT + DAY }, false],
    [{ earliest: AT - 1, latest: AT + DAY - 1 }, false],
    [{ earliest: AT - 1, latest: AT + 2 * DAY }, false],
    [momentAt(AT - 1), false],
    [momentAt(AT + DAY), false],
  ])('holds only while it is as unsure: %j', (at, holds) => {
    expect(holdsAt(unsure, at)).toBe(holds);
  });

  it('is not believed of what was sure, and what was sure is not believed of it', () => {
    const sure = spanAt(decisions, momentAt(AT));
    expect(holdsAt(sure, { earliest: AT - 1, latest: AT })).toBe(false);
    expect(holdsAt(sure, { earliest: AT, latest: AT + DAY })).toBe(false);
    expect(holdsAt(sure, { earliest: AT, latest: AT + DAY - 1 })).toBe(true);
  });
});
