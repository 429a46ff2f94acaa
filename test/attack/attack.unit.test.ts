import { attack, type Finding } from './src/attack.js';
import { attackedRegion } from './src/region.js';

describe('who reads research or population health', () => {
  let findings: readonly Finding[];
  beforeAll(async () => {
    findings = await attack(await attackedRegion({ seed: 1, people: 150, victims: 2 }));
  });

  it('finds nobody by a mark that an organisation left, nor by what other subscribers are told', () => {
    expect(findings.filter(({ found, isLimit }) => found > 0 && !isLimit)).toEqual([]);
    expect(findings.filter(({ tried }) => tried === 0)).toEqual([]);
  });

  it('finds whom no projection of single entries hides, so the attack can find', () => {
    expect(findings.filter(({ isLimit }) => isLimit).map(({ found }) => found > 0)).toEqual([true, true, true, true]);
  });
});
