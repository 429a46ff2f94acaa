import {
  DEFAULT_RULES,
  judge,
  occurredAt,
  PURPOSES,
  Surroundings,
  type Decision,
  type JudgedEntry,
  type Organisation,
  type OrganisationKind,
  type Policy,
  type Problem,
  type Purpose,
  type Recorder,
  type Resource,
} from '@weft/domain';
import { acceptEvent } from './accept-event.js';
import { GOVERNANCE_SOURCE } from './envelope.js';
import { createMessageReader, sealMessage, toMessage } from './message.js';
import { NHS_NUMBER_SYSTEM } from './patient-reference.js';

export const NOW = Date.parse('2026-06-15T12:00:00Z');
export const ANNE = '9990033471';
export const BEN = '9990079196';

export const organisations = new Map(
  (
    [
      ['Y90001', 'gp', ['Y9000A']],
      ['RX901', 'acute', ['RX9S1', 'RX9S2']],
      ['RX902', 'mental-health', []],
    ] as [string, OrganisationKind, string[]][]
  ).map(([ods, kind, sites]): [string, Organisation] => [ods, { ods, name: ods, kind, sites }]),
);
export const policy: Policy = {
  name: 'test',
  rules: DEFAULT_RULES,
  organisations: Object.fromEntries([...organisations.values()].map(({ ods, kind }) => [ods, kind])),
};

const HL7 = 'http://terminology.hl7.org/CodeSystem/';
const SNOMED = 'http://snomed.info/sct';
export const ACT_REASON = `${HL7}v3-ActReason`;
const CONFIDENTIALITY = `${HL7}v3-Confidentiality`;

type Json = Record<string, unknown>;

/** The person by their NHS number, as `Consent.patient` or a performer. */
export const person = (nhsNumber = ANNE): Json => ({
  type: 'Patient',
  identifier: { system: NHS_NUMBER_SYSTEM, value: nhsNumber },
});
export const scoped = (code: string): Json => ({ coding: [{ system: `${HL7}consentscope`, code }] });
export const concept = (code: string, system = SNOMED): Json => ({ coding: [{ system, code }] });

/** A Consent; `under` is its authority, null for one that names none. */
export function consent(under: string | null, provision: Json | undefined, more: Json = {}): Json {
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: scoped('patient-privacy'),
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: person(),
    // FHIR asks for one or the other; a regulation that Weft does not know.
    ...(under === null ? { policyRule: { coding: [{ code: 'local' }] } } : { policy: [{ uri: `urn:weft:authority:${under}` }] }),
    ...(provision !== undefined && { provision }),
    ...more,
  };
}

/** A provision for purposes by HL7 code, separated by spaces (`''`: none named), with what limits it. */
export const deny = (purposes: string, ...limits: Json[]): Json => provision('deny', purposes, limits);
export const permit = (purposes: string, ...limits: Json[]): Json => provision('permit', purposes, limits);

function provision(type: string, purposes: string, limits: readonly Json[]): Json {
  const purpose = purposes.split(' ').map((code) => ({ system: ACT_REASON, code }));
  return { type, ...(purposes !== '' && { purpose }), ...(Object.assign({}, ...limits) as Json) };
}

export const except = (...provisions: Json[]): Json => ({ provision: provisions });
export const coded = (...codes: string[]): Json => ({ code: codes.map((code) => concept(code)) });
export const ofClass = (...codes: string[]): Json => ({
  class: codes.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code })),
});
export const labelled = (...codes: string[]): Json => ({
  securityLabel: codes.map((code) => ({
    system: ['U', 'L', 'M', 'N', 'R', 'V'].includes(code) ? CONFIDENTIALITY : `${HL7}v3-ActCode`,
    code,
  })),
});
export const item = (reference: string, meaning = 'instance'): Json => ({ data: [{ meaning, reference: { reference } }] });
export const items = (...references: string[]): Json => ({
  data: references.map((reference) => ({ meaning: 'instance', reference: { reference } })),
});
/** Actors in a role, by ODS code. */
export const actors = (role: string, ...codes: string[]): Json => ({ actor: codes.map((ods) => actor(role, ods)) });
export const actor = (role: string, value: string, system = 'organization'): Json => ({
  role: { coding: [{ system: `${HL7}${role === 'PROV' ? 'v3-RoleClass' : 'v3-ParticipationType'}`, code: role }] },
  reference: { type: 'Organization', identifier: { system: `https://fhir.nhs.uk/Id/ods-${system}-code`, value } },
});
export const recordedBy = (...codes: string[]): Json => actors('CST', ...codes);
export const toldTo = (...codes: string[]): Json => actors('IRCP', ...codes);

/** One Consent as it is sent. */
export interface Sent {
  readonly consent: Json;
  /** An ODS code, or `governance`. */
  readonly by: string;
  /** When it is received; one second after the one before it, if it says nothing. */
  readonly at?: string;
}

export const sent = (by: string, body: Json, at?: string): Sent => ({ by, consent: body, ...(at !== undefined && { at }) });

const recorderOf = (by: string): Recorder =>
  by === 'governance'
    ? { as: by, organisation: null, subject: by }
    : { as: 'organisation', organisation: by, subject: `epr of ${by}` };

const seal = sealMessage('secret');

/** What becomes of Consents on their way from the sender through the gateway to the record. */
export function decide(
  consents: readonly Sent[],
  { validate = true }: { readonly validate?: boolean } = {},
): { readonly answers: string[]; readonly decisions: readonly Decision[] } {
  let now = NOW;
  const answers: string[] = [];
  const decisions: Decision[] = [];
  for (const [index, { consent: resource, by, at }] of consents.entries()) {
    now = at === undefined ? now + 1000 : Date.parse(at);
    const reading = acceptEvent(receivedFrom(by, `event-${index}`, resource, now), {
      ...{ organisations, policy, now, validate, recorder: recorderOf(by) },
    });
    if (!reading.ok) {
      answers.push(answerOf('refused', reading.problems));
      continue;
    }
    answers.push(answerOf('taken', reading.event.warnings ?? []));
    const message = { ...toMessage(reading.event, { seal }), partition: 0, offset: index, timestamp: now };
    const read = createMessageReader({ organisations, now: () => now, seal }).decision(message);
    if (!read.ok) throw new Error(`what the gateway took cannot be read again: ${JSON.stringify(read.problems)}`);
    decisions.push(...read.event.decisions.map((one) => ({ ...one, recordedAt: new Date(now).toISOString() })));
  }
  return { answers, decisions };
}

/** With the codes of what Weft itself says; FHIR's validator has more to say of much of it. */
function answerOf(answer: string, problems: readonly Problem[]): string {
  const codes = new Set(problems.map(({ code }) => code).filter((code) => !['structure', 'value', 'invalid'].includes(code)));
  return codes.size === 0 ? answer : `${answer}: ${[...codes].join(', ')}`;
}

function receivedFrom(by: string, id: string, resource: Json, now: number) {
  const source = organisations.has(by) ? `urn:ods:${by}` : GOVERNANCE_SOURCE;
  const attributes = {
    ...{ specversion: '1.0', id, source, type: 'consent-decision-recorded-1', subject: ANNE },
    ...{ time: new Date(now).toISOString(), datacontenttype: 'application/fhir+json' },
  };
  return { attributes, data: { ok: true as const, event: resource }, bytes: new TextEncoder().encode(JSON.stringify(resource)) };
}

/** An entry as an organisation recorded it. */
export function entry(organisation: string, resource: Json & { resourceType: string; id: string }): JudgedEntry {
  const { resourceType, id, birthDate } = resource;
  return {
    ...{
      id: `${organisation}/${resourceType}/${id}`,
      organisation,
      resourceType,
      occurredAt: occurredAt(resource as unknown as Resource),
    },
    resource: resource as unknown as Resource,
    birthDate: typeof birthDate === 'string' ? birthDate : null,
  };
}

/** What three organisations have recorded about the person. */
export const RECORD: readonly JudgedEntry[] = [
  entry('Y90001', { resourceType: 'Observation', id: 'o1', code: concept('75367002'), effectiveDateTime: '2024-02-03' }),
  entry('Y90001', {
    resourceType: 'Encounter',
    id: 'e1',
    class: { code: 'AMB' },
    period: { start: '2024-03-03', end: '2024-03-03' },
  }),
  entry('RX901', { resourceType: 'Condition', id: 'c1', code: concept('38341003'), onsetDateTime: '2020-01-01' }),
  entry('RX902', { resourceType: 'Condition', id: 'm1', code: concept('35489007'), onsetDateTime: '2020-01-01' }),
];

const SHORT: Readonly<Record<string, readonly Purpose[]>> = {
  everything: PURPOSES,
  care: ['direct-care', 'care-coordination'],
  'all but research': ['direct-care', 'care-coordination', 'population-health'],
  planning: ['population-health'],
  ...Object.fromEntries(PURPOSES.map((purpose) => [purpose, [purpose]])),
};

/** What is withheld in the end, as `<entries>: <purposes>; …`; `nothing` where all is shared. */
export function withheld(decisions: readonly Decision[], record: readonly JudgedEntry[], at: number): string[] {
  const around = new Surroundings(() => record);
  const judges = PURPOSES.map((purpose) => ({ purpose, judge: judge(purpose, decisions, policy, at, around) }));
  return record.flatMap((one) =>
    judges.filter(({ judge: of }) => !of(one).permitted).map(({ purpose }) => `${nameOf(one)}: ${purpose}`),
  );
}

const nameOf = ({ id }: JudgedEntry): string => id.split('/').at(-1) as string;

/** `o1 c1: research, planning; all: direct-care` in full. */
export function spelledOut(text: string, record: readonly JudgedEntry[]): string[] {
  if (text === 'nothing') return [];
  const wanted = new Set(
    text.split(';').flatMap((part) => {
      const [names = '', purposes = ''] = part.split(':').map((one) => one.trim());
      const chosen = names === 'all' ? record.map(nameOf) : names.split(' ');
      return purposes
        .split(',')
        .flatMap((purpose): readonly string[] => SHORT[purpose.trim()] ?? [`no purpose ${purpose}`])
        .flatMap((purpose) => chosen.map((name) => `${name}: ${purpose}`));
    }),
  );
  const all = record.flatMap((one) => PURPOSES.map((purpose) => `${nameOf(one)}: ${purpose}`));
  return [...all.filter((one) => wanted.has(one)), ...[...wanted].filter((one) => !all.includes(one))];
}
