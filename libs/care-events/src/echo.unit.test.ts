import type { Organisation } from '@weft/domain';
import { acceptEvent } from './accept-event.js';
import { careEventsOfBundle } from './bundle.js';
import { readJson } from './json.js';

/** A name, as a value, as the name of a member, and as an ODS code could be. */
const NAME = 'JANEDOE';
const organisations = new Map<string, Organisation>([['RX901', { ods: 'RX901', name: 'Acute', kind: 'acute' }]]);
const NOW = Date.parse('2026-03-01T12:00:00Z');
const sound = {
  specversion: '1.0',
  id: 'a-1',
  source: 'urn:ods:RX901',
  type: 'care-event-recorded-1',
  subject: '9990033471',
  time: '2026-03-01T11:59:00Z',
  datacontenttype: 'application/fhir+json',
};
const patient = { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990033471' } };
const observation = { resourceType: 'Observation', id: 'o1', status: 'final', code: { text: 'Height' } };
const consent = {
  resourceType: 'Consent',
  id: 'c1',
  status: 'active',
  scope: { coding: [{ code: 'patient-privacy' }] },
  patient,
  dateTime: '2026-02-28',
};
const recordedBy = (value: string) => ({
  role: { coding: [{ code: 'CST' }] },
  reference: { identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value } },
});

function said(resource: unknown, attributes: Record<string, unknown> = {}): string {
  const received = {
    attributes: { ...sound, ...attributes },
    data: { ok: true as const, event: resource },
    bytes: new Uint8Array(),
  };
  const reading = acceptEvent(received, { organisations, now: NOW, sender: 'RX901' });
  return JSON.stringify(reading.ok ? reading.event.warnings : reading.problems);
}
function saidOfBundle(...resources: unknown[]): string {
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) };
  return JSON.stringify(
    careEventsOfBundle(bundle, { organisations, organisation: 'RX901', now: NOW, keys: { fresh: 'request' } }),
  );
}
const decision = { type: 'consent-decision-recorded-1' };
const denying = (more: object) => ({ ...consent, provision: { type: 'deny', ...more } });

describe('no problem repeats what was sent', () => {
  it.each<[string, () => string]>([
    ['a source of another organisation', () => said(observation, { source: `urn:ods:${NAME}` })],
    ['each attribute', () => said(observation, Object.fromEntries(Object.keys(sound).map((name) => [name, NAME])))],
    ['a resource type', () => said({ ...observation, resourceType: NAME, id: undefined })],
    ['a resource type in a Bundle', () => saidOfBundle({ ...observation, resourceType: NAME, subject: { reference: NAME } })],
    ['a time in a Bundle', () => saidOfBundle({ resourceType: NAME, id: 'x', meta: { lastUpdated: NAME }, subject: patient })],
    ['the organisation of a Consent', () => said(denying({ actor: [recordedBy(NAME)] }), decision)],
    ['the purpose of a Consent', () => said(denying({ purpose: [{ code: NAME, system: NAME }] }), decision)],
    ['an action of a Consent', () => said(denying({ action: [{ coding: [{ code: NAME }] }] }), decision)],
    [
      'a code of a Consent',
      () => said(denying({ code: [{ text: NAME }], data: [{ meaning: NAME, reference: { reference: NAME } }] }), decision),
    ],
    ['the authority of a Consent', () => said({ ...denying({}), policy: [{ uri: `urn:weft:authority:${NAME}` }] }, decision)],
    ['the name of a member of a Consent', () => said({ ...denying({ [NAME]: 1 }), [NAME]: 1 }, decision)],
    ['the name of a member', () => said({ ...observation, [NAME]: 1 })],
    ['the name of a member that is no JSON', () => JSON.stringify(readJson(Buffer.from(`{"${NAME}":{"x":1e999}}`), 'body'))],
  ])('%s', (_, say) => {
    const told = say();
    expect(told).toContain('"code"');
    expect(told).not.toContain('"ok":true,"event":{"type"');
    expect(told).not.toContain(NAME);
  });
});
