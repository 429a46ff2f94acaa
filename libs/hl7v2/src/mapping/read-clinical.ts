import type { Segment } from '../message.js';
import { type Identifier, numbered } from './entry-names.js';
import type { EntryName, Fact, Members, PersonFacts, VersionTime } from './facts.js';
import { personNamesOf } from './person-names.js';
import type { Part } from './parts.js';
import type { Reading } from './reading.js';
import { refersTo } from './references.js';

export const status = (system: string, code: string): object => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
});

/** What a code is called by: as its sender wrote it, else its words. */
export const codeIn = (segment: Segment, field: number): string | undefined =>
  segment.field(field).value?.trim() || segment.field(field).component(2).value?.trim() || undefined;

/** Allergies, diagnoses and procedures of a person in an ADT message. None of them is withdrawn by not being there. */
export function clinicalFacts(reading: Reading, part: Part, visit: EntryName | undefined, version: VersionTime): Fact[] {
  return part.segments.flatMap((segment) => {
    switch (segment.name) {
      case 'AL1':
      case 'IAM':
        return allergyFacts(reading, segment, version);
      case 'DG1':
        return diagnosisFacts(reading, segment, visit, version);
      case 'PR1':
        return procedureFacts(reading, segment, visit, version);
      default:
        return [];
    }
  });
}

function missing(reading: Reading, segment: Segment, field: number): [] {
  reading.note('required', { segment: segment.name, index: segment.index, field, repetition: 1, component: 1 });
  return [];
}

function allergyFacts(reading: Reading, segment: Segment, version: VersionTime): Fact[] {
  const members = reading.members(segment, 'ADT');
  const code = codeIn(segment, 3);
  if (code === undefined || members['code'] === null) return missing(reading, segment, 3);
  const identifier = members['identifier'] as Identifier | undefined;
  const type = segment.name === 'IAM' ? (segment.field(2).value?.trim() ?? '') : undefined;
  const own =
    identifier === undefined
      ? [reading.listener.organisation, ...(type ? [type] : []), code]
      : numbered(identifier, reading.listener.organisation);
  // An action that says that nothing changed.
  if (segment.name === 'IAM' && members['action'] === undefined) return [];
  const action = members['action'] === 'retract' ? 'retract' : 'record';
  return [{ kind: 'resource', entry: ['AllergyIntolerance', ...own], action, members: allergyOf(members), version }];
}

function allergyOf({ code, category, severity, reactions, onset, reported, identifier }: Members): Members {
  const words = (reactions ?? []) as readonly string[];
  return {
    resourceType: 'AllergyIntolerance',
    identifier: identifier && [{ value: (identifier as Identifier).value }],
    clinicalStatus: status('allergyintolerance-clinical', 'active'),
    category: category === undefined ? undefined : [category],
    criticality: severity,
    code,
    onsetDateTime: onset,
    recordedDate: reported,
    reaction: words.length === 0 ? undefined : words.map((text) => ({ manifestation: [{ text }] })),
  };
}

function diagnosisFacts(reading: Reading, segment: Segment, visit: EntryName | undefined, version: VersionTime): Fact[] {
  const members = reading.members(segment, 'ADT');
  const { code, text, onset, asserter, recorded, identifier, action } = members;
  const value = codeIn(segment, 3) ?? (typeof text === 'string' ? text : undefined);
  if (value === undefined) return missing(reading, segment, 3);
  const entry = ['Condition', ...hungOn(visit), value, ...ownNumber(identifier)];
  const body = {
    resourceType: 'Condition',
    ...{
      clinicalStatus: status('condition-clinical', 'active'),
      verificationStatus: status('condition-ver-status', 'confirmed'),
    },
    category: [status('condition-category', 'encounter-diagnosis')],
    code: code ?? { text },
    ...{ onsetDateTime: onset, recordedDate: recorded, asserter, encounter: visit && refersTo(visit) },
  };
  return [{ kind: 'resource', entry, action: action === 'retract' ? 'retract' : 'record', members: body, version, visit }];
}

function procedureFacts(reading: Reading, segment: Segment, visit: EntryName | undefined, version: VersionTime): Fact[] {
  const { code, text, performed, surgeon, identifier, action } = reading.members(segment, 'ADT');
  const value = codeIn(segment, 3) ?? (typeof text === 'string' ? text : undefined);
  if (value === undefined) return missing(reading, segment, 3);
  const body = {
    ...{ resourceType: 'Procedure', status: 'completed', code: code ?? { text }, performedDateTime: performed },
    performer: surgeon && [{ actor: surgeon }],
    encounter: visit && refersTo(visit),
  };
  const entry = ['Procedure', ...hungOn(visit), value, ...ownNumber(identifier)];
  return [{ kind: 'resource', entry, action: action === 'retract' ? 'retract' : 'record', members: body, version, visit }];
}

/** The visit by its number alone: it is the organisation's own. */
const hungOn = (visit: EntryName | undefined): readonly string[] => visit?.slice(2) ?? [];

const ownNumber = (identifier: unknown): readonly string[] =>
  identifier === undefined || identifier === null ? [] : numbered(identifier as Identifier);

/** An allergy list: each line says what became of it. */
export function readAllergies(reading: Reading, part: Part, version: VersionTime): PersonFacts {
  const lines = part.segments.filter(({ name }) => name === 'IAM' || name === 'AL1');
  return { names: personNamesOf(part.pid, reading), facts: lines.flatMap((segment) => allergyFacts(reading, segment, version)) };
}
