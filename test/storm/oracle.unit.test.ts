import { type Act, type Authority, type Matter, mattersOf, type Wish } from './src/decisions.js';
import { baseEntries, type Entry, type Organisation, peopleOf, type Purpose } from './src/entries.js';
import { verdictOn } from './src/oracle.js';

const [anne, bert] = peopleOf(2) as [ReturnType<typeof peopleOf>[0], ReturnType<typeof peopleOf>[0]];
const entries = baseEntries(anne, 0);
const ownOf = (organisation: Organisation): Entry => entries.find((entry) => entry.organisation === organisation)!;
const ALL = ['direct-care', 'care-coordination', 'population-health', 'research'] as const;

/** Sent at 100, obeyed at 200, about everything. */
const act = (wish: Partial<Act>): Act => ({ effect: 'deny', purposes: ALL, sentAt: 100, obeyedAt: 200, ...wish });

function matter(authority: Authority, acts: readonly Act[], more: Partial<Matter> = {}): Matter {
  const own = mattersOf(anne, entries).find((one) => one.authority === authority)!;
  return { ...own, scope: {}, ...more, acts: [...acts] };
}

const looked = { since: 1_000, until: 1_010 };
const verdict = (matters: readonly Matter[], purpose: Purpose, { entry = ownOf('RX901'), during = looked } = {}) =>
  verdictOn(entry, purpose, matters, during);

describe('the storm’s oracle', () => {
  const deny = (authority: Authority) => matter(authority, [act({})]);
  const permit = matter('explicit-consent', [act({ effect: 'permit' })]);

  it.each<[string, readonly Matter[], Purpose, Organisation, 'shown' | 'hidden']>([
    ['nothing', [], 'direct-care', 'RX901', 'shown'],
    ['a local dissent', [deny('local-dissent')], 'direct-care', 'RX901', 'hidden'],
    ['a withheld item', [deny('withheld-item')], 'care-coordination', 'RX901', 'hidden'],
    ['a national opt-out', [deny('national-data-opt-out')], 'research', 'RX901', 'hidden'],
    ['a national opt-out', [deny('national-data-opt-out')], 'direct-care', 'RX901', 'shown'],
    ['a type 1 objection', [deny('type-1')], 'population-health', 'Y90001', 'hidden'],
    ['a type 1 objection', [deny('type-1')], 'population-health', 'RX901', 'shown'],
    ['a type 1 objection', [deny('type-1')], 'direct-care', 'Y90001', 'shown'],
    ['a national opt-out and an agreement', [deny('national-data-opt-out'), permit], 'research', 'RX901', 'shown'],
    ['a local dissent and an agreement', [deny('local-dissent'), permit], 'research', 'RX901', 'hidden'],
    ['a refusal of consent', [deny('explicit-consent')], 'research', 'RX901', 'hidden'],
  ])('says what is left by %s: %j', (_, matters, purpose, organisation, expected) => {
    expect(verdict(matters, purpose, { entry: ownOf(organisation) })).toBe(expected);
  });

  it.each<[string, Partial<Matter>, 'shown' | 'hidden']>([
    ['its organisation', { scope: { organisations: ['RX901'] } }, 'hidden'],
    ['another organisation', { scope: { organisations: ['RX902'] } }, 'shown'],
    ['its category', { scope: { category: 'category-1' } }, 'hidden'],
    ['another category', { scope: { category: 'category-0' } }, 'shown'],
    ['itself', { scope: { entry: ownOf('RX901') } }, 'hidden'],
    ['another entry', { scope: { entry: ownOf('RX902') } }, 'shown'],
    ['somebody else', { person: bert }, 'shown'],
  ])('takes an entry for denied by a denial of %s: %j', (_, more, expected) => {
    expect(verdict([matter('local-dissent', [act({})], more)], 'direct-care')).toBe(expected);
  });

  const later = (wish: Partial<Wish> & Partial<Act>) => [act({}), act({ effect: 'none', sentAt: 900, obeyedAt: 950, ...wish })];
  it.each<[string, readonly Act[], ReturnType<typeof verdict>]>([
    ['that is not answered', [act({ obeyedAt: null })], 'either'],
    ['that was answered after the look began', [act({ obeyedAt: 1_001 })], 'either'],
    ['that was answered before', [act({ obeyedAt: 999 })], 'hidden'],
    ['that was sent after the look ended', [act({ sentAt: 1_100, obeyedAt: null })], 'shown'],
    ['for other purposes', [act({ purposes: ['research'] })], 'shown'],
    ['that was taken back', later({}), 'shown'],
    ['that is being taken back', later({ obeyedAt: null }), 'either'],
    ['that has not begun', [act({ from: 1_100, until: 2_000 })], 'shown'],
    ['that has begun', [act({ from: 900, until: 2_000 })], 'hidden'],
    ['that begins meanwhile', [act({ from: 1_005, until: 2_000 })], 'either'],
    ['that ends meanwhile', [act({ from: 900, until: 1_005 })], 'either'],
    ['that has ended', [act({ from: 800, until: 900 })], 'shown'],
  ])('knows when a denial counts: one %s', (_, acts, expected) => {
    expect(verdict([matter('local-dissent', acts)], 'direct-care')).toBe(expected);
  });

  it('goes by the latest alone of a matter’s wishes that were obeyed', () => {
    const acts = [act({}), act({ effect: 'none', sentAt: 300, obeyedAt: 400 }), act({ sentAt: 500, obeyedAt: 600 })];
    expect(verdict([matter('local-dissent', acts)], 'direct-care')).toBe('hidden');
  });
});
