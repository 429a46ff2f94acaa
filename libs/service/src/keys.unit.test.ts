import { createHmac } from 'node:crypto';
import { createKeys } from './keys.js';

const secrets = {
  region: 'the region’s secret, long enough',
  research: 'the project’s secret, long enough',
  integrity: 'the integrity secret, long enough',
};
const keys = createKeys(secrets);
const nhsNumber = '9990033471';

describe('keys', () => {
  it('makes a patient’s key with HMAC-SHA-256 under the region’s secret', () => {
    const expected = createHmac('sha256', secrets.region).update(nhsNumber).digest('hex').slice(0, 32);
    expect([keys.patient(nhsNumber), keys.patient(nhsNumber)]).toEqual([expected, expected]);
  });

  it('uses the region’s own key for individual care and another for each purpose beyond it', () => {
    const patient = keys.patient(nhsNumber);
    expect(keys.view('direct-care', patient)).toBe(patient);
    expect(keys.view('care-coordination', patient)).toBe(patient);
    const beyond = [keys.view('population-health', patient), keys.view('research', patient)];
    expect(new Set([patient, ...beyond]).size).toBe(3);
    for (const key of beyond) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });

  it('ties research to the project’s secret and nothing else to it', () => {
    const project = createKeys({ ...secrets, research: 'another project’s secret, long too' });
    const patient = keys.patient(nhsNumber);
    expect(project.patient(nhsNumber)).toBe(patient);
    expect(project.view('population-health', patient)).toBe(keys.view('population-health', patient));
    expect(project.view('research', patient)).not.toBe(keys.view('research', patient));
    expect(project.pseudonym('research', 'RX901')).not.toBe(keys.pseudonym('research', 'RX901'));
  });

  it('never gives one key for two things of different sorts', () => {
    expect(keys.pseudonym('research', nhsNumber)).not.toBe(keys.view('research', nhsNumber));
    expect(keys.pseudonym('population-health', nhsNumber)).not.toBe(keys.pseudonym('direct-care', nhsNumber));
  });

  it('gives the same UUID of version 8 for the same parts, and keeps the parts apart', () => {
    expect(keys.uuid('a', 'b')).toBe(keys.uuid('a', 'b'));
    expect(keys.uuid('a', 'b')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set([keys.uuid('a', 'b'), keys.uuid('ab'), keys.uuid('a', '', 'b'), keys.uuid('b', 'a')]).size).toBe(4);
  });

  it('remembers no more patients than its two generations, and still knows everyone', () => {
    const first = keys.patient('9990000001');
    for (let i = 0; i < 140_000; i++) keys.patient(String(9_991_000_000 + i));
    expect(keys.patient('9990000001')).toBe(first);
  });

  it('digests text with SHA-256', () => {
    expect(keys.digest('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
