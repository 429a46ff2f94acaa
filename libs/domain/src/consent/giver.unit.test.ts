import { intervalOf, type Interval } from '../fhir-time.js';
import { DAY, decision, NOW, permit, POLICY } from './decisions.fixture.js';
import { giverCovers } from './giver.js';
import type { Decision } from './decision.js';

const given = (receivedAt: number, more: Partial<Decision> = {}) =>
  decision({ authority: 'explicit-consent', receivedAt, ...more }, permit(['research']));
const covers = (one: Decision, ...deaths: Interval[]) =>
  giverCovers(one, { birthDates: () => ['1950-01-01'], deaths: () => deaths }, POLICY);

const died: Interval = { from: NOW, until: NOW };

describe('whoever gives explicit consent', () => {
  it('is alive at its date', () => {
    expect(covers(given(NOW - DAY), died)).toBe('covers');
    expect(covers(given(NOW), died)).toBe('does-not-cover');
    expect(covers(given(NOW + DAY), died)).toBe('does-not-cover');
  });

  it('may have been dead already where the death has a year alone', () => {
    expect(covers(given(NOW), intervalOf('2026')!)).toBe('cannot-tell');
    expect(covers(given(NOW), intervalOf('2027')!)).toBe('covers');
  });

  it('is dead from the earliest of several deaths told', () => {
    expect(covers(given(NOW + DAY), { from: NOW + 2 * DAY, until: NOW + 2 * DAY }, died)).toBe('does-not-cover');
  });

  it('permits nothing under another authority either after their death; what others decide there stands', () => {
    expect(covers(given(NOW + DAY, { authority: 'local-dissent', decidedBy: 'patient' }), died)).toBe('does-not-cover');
    expect(covers(given(NOW + DAY, { authority: 'local-dissent' }), died)).toBe('covers');
  });
});
