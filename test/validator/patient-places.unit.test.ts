import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { patientPlaces, patientPlacesModule } from './src/patient-places.js';

const COMMITTED = readFileSync(join(import.meta.dirname, '..', '..', 'libs', 'care-events', 'src', 'patient-places.ts'), 'utf8');

describe('the places where R4 names a patient', () => {
  it('are those of its search parameters and patient compartment', () => {
    expect(COMMITTED).toBe(patientPlacesModule(patientPlaces()));
  });

  it.each([
    'Appointment participant.actor',
    'Provenance target',
    'List subject | source',
    'Composition subject | attester.party author',
    'SupplyRequest deliverTo',
    'Group | member.entity',
  ])('%s', (line) => expect(COMMITTED.split('\n')).toContain(line));
});
