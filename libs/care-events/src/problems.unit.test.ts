import { presentable, problem, within } from './problems.js';

describe('problems that are fit to be told', () => {
  it('have no run of ten digits, however it is written', () => {
    const told = presentable([problem('Patient.9990000018', 'x', 'of 999 000 0018 and 999-000-0018, and not of 123')]);
    expect(told).toEqual([problem('Patient.[number]', 'x', 'of [number] and [number], and not of 123')]);
  });

  it('are no more and no longer than can travel with what they are about', () => {
    const told = presentable(Array.from({ length: 70 }, () => problem('f'.repeat(999), 'x', 'm'.repeat(999))));
    expect(told).toHaveLength(51);
    expect([told[0]!.field.length, told[0]!.message.length]).toEqual([200, 500]);
    expect(told[50]).toEqual(problem('', 'more', 'and 20 problems more'));
  });

  it('of a resource become problems of what holds it', () => {
    const inside = within('entry[3].resource', [problem('Patient.id', 'x', ''), problem('time', 'x', ''), problem('', 'x', '')]);
    expect(inside.map(({ field }) => field)).toEqual(['entry[3].resource.id', 'time', 'entry[3].resource']);
  });
});
