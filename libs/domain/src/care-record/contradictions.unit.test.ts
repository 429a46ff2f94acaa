import { contradictionsIn } from './contradictions.js';

const patient = (birthDate?: string, family?: string) => ({
  resourceType: 'Patient',
  ...(birthDate !== undefined && { birthDate }),
  ...(family !== undefined && { name: [{ family }] }),
});
const of = (...resources: { resourceType: string; [field: string]: unknown }[]) =>
  contradictionsIn(resources.map((resource, index) => ({ id: `e${index}`, resource })));

describe('demographics that contradict each other', () => {
  it('are told by the entries and by what of them cannot be one person’s', () => {
    expect(of(patient('1950-01-01', 'Archer'), patient('1985-06-07', 'Baker'))).toEqual([
      { entry: 'e0', fields: ['birthDate', 'family'] },
      { entry: 'e1', fields: ['birthDate', 'family'] },
    ]);
    expect(of(patient('1950-01-01', 'Archer'), patient('1950-01-02', 'ARCHER')).map(({ fields }) => fields)).toEqual([
      ['birthDate'],
      ['birthDate'],
    ]);
  });

  it('may stand in what an entry contains', () => {
    const observation = { resourceType: 'Observation', contained: [patient('1985-06-07')] };
    expect(of(patient('1950-01-01'), observation).map(({ entry }) => entry)).toEqual(['e0', 'e1']);
  });

  it.each([
    ['another family name alone', [patient('1950-01-01', 'Archer'), patient('1950-01-01', 'Baker')]],
    ['a date that is less precise', [patient('1950-01-01'), patient('1950')]],
    ['a date that is not said', [patient('1950-01-01'), patient(undefined, 'Baker')]],
    ['a date that cannot be read', [patient('1950-01-01'), patient('then')]],
    ['one Patient', [patient('1950-01-01')]],
  ])('are not %s', (_, resources) => expect(of(...resources)).toEqual([]));
});
