import type { Segment } from '../message.js';
import { type Identifier, mrnParts, numbered } from './entry-names.js';
import type { EntryName, Fact, Members, PersonFacts, VersionTime } from './facts.js';
import { counterpartOf, mrnsIn, personNamesOf } from './person-names.js';
import { placeIn, type Reading } from './reading.js';
import { clinicalFacts } from './read-clinical.js';
import { firstOf, type Part, partsOf, visitName } from './parts.js';
import { filled } from './forms.js';
import type { MessageType } from './rows.js';

/** A person's visit: A01 and what follows it. */
export function readVisit(reading: Reading, type: MessageType, part: Part, version: VersionTime): PersonFacts {
  const names = personNamesOf(part.pid, reading);
  const segment = firstOf(part, 'PV1');
  const visit = segment === undefined ? undefined : visitName(reading, segment, names.mrn, type.action !== 'correct');
  if (segment === undefined && type.action !== 'correct') {
    reading.fault('required', { segment: 'PV1', index: 1, field: 19, repetition: 1, component: 1 });
  }
  const facts = [...personFacts(reading, type, part, version)];
  if (visit !== undefined) {
    const members = { ...reading.members(segment), identifier: visitIdentifier(segment!) };
    facts.push({ kind: 'encounter', entry: visit, visit, action: type.action, members, version });
  }
  return { names, facts: [...facts, ...clinicalFacts(reading, part, visit, version)] };
}

/** Two persons in one message: the second PID and PV1 are the other's. */
export const readSwap = (reading: Reading, type: MessageType, version: VersionTime): readonly PersonFacts[] =>
  partsOf(reading).map((part) => readVisit(reading, type, part, version));

/** What hangs on no visit: A28 and A31. */
export function readPerson(reading: Reading, type: MessageType, part: Part, version: VersionTime): PersonFacts {
  const names = personNamesOf(part.pid, reading);
  switch (type.action) {
    case 'delete':
      return { names, facts: [{ ...patientFact(names.mrn, reading, version), action: 'delete' }], review: ['person-deleted'] };
    case 'linked':
    case 'unlinked':
      return { names, facts: [], review: [`persons-${type.action}`] };
    default:
      return {
        names,
        facts: [...personFacts(reading, type, part, version), ...clinicalFacts(reading, part, undefined, version)],
      };
  }
}

/** That one number gave way to another, or a visit moves: what else the message says of the person is not taken. */
export function readMerges(reading: Reading, type: MessageType, version: VersionTime): readonly PersonFacts[] {
  return partsOf(reading).flatMap((part) => {
    const names = personNamesOf(part.pid, reading);
    const segment = firstOf(part, 'MRG');
    const [survivor] = mrnsIn(part.pid.field(3), reading);
    const from = segment && survivor && counterpartOf(survivor, mrnsIn(segment.field(1), reading));
    if (survivor === undefined) reading.fault('required', placeIn(part.pid, { field: 3, component: 1 }));
    else if (from === undefined || segment === undefined) {
      reading.fault('required', { segment: 'MRG', index: segment?.index ?? 1, field: 1, repetition: 1, component: 1 });
    } else if (type.action === 'move-visit') return [movedVisit(reading, segment, names, from.name)].flat();
    else if (from.name === survivor.name) reading.fault('same-identifier', placeIn(segment, { field: 1, component: 1 }));
    else
      return [
        {
          names,
          facts: giveWay(reading, survivor.name, from.name, version),
          reidentified: { action: actionOf(type), from: from.name },
        },
      ];
    return [];
  });
}

const actionOf = ({ action }: MessageType): 'merge' | 'change' => (action === 'change' ? 'change' : 'merge');

function movedVisit(reading: Reading, segment: Segment, names: PersonFacts['names'], from: string): PersonFacts | [] {
  const visit = reading.members(segment, 'ADT')['visit'] as Identifier | undefined;
  if (names.mrn === from) return { names, facts: [], review: ['visits-merged'] };
  if (visit === undefined) {
    reading.fault('required', placeIn(segment, { field: 5, component: 1 }));
    return [];
  }
  const entry: EntryName = ['Encounter', ...numbered(visit, reading.listener.mrnAuthority)];
  return { names, facts: [], reidentified: { action: 'move-visit', from, visit: entry } };
}

/** The Patient of the number that gave way is none any more, and the other one says that it was called so. */
function giveWay(reading: Reading, survivor: string, from: string, version: VersionTime): Fact[] {
  const old = { ...(mrnIdentifier(from) as object), use: 'old' };
  return [
    { ...patientFact(from, reading, version), action: 'replaced', members: { by: survivor } },
    { ...patientFact(survivor, reading, version), action: 'replaces', members: { identifier: old } },
  ];
}

/** A Patient without an MRN is the organisation's one Patient within the person's record: nothing of a number may be in its id. */
const patientName = (mrn: string | null, { listener }: Reading): EntryName =>
  mrn === null ? ['Patient', listener.organisation] : ['Patient', ...mrnParts(mrn)];

/** As a Patient has it. */
export function mrnIdentifier(mrn: string | null): object | undefined {
  const [authority, value] = mrn === null ? [] : mrnParts(mrn);
  const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] };
  return mrn === null ? undefined : { type, value, assigner: { display: authority } };
}

const patientFact = (mrn: string | null, reading: Reading, version: VersionTime): Fact => ({
  ...{ kind: 'patient', entry: patientName(mrn, reading), action: 'record', version, members: {} },
});

/** Of a message that may change them the person's own data, and whether they died. */
function personFacts(reading: Reading, type: MessageType, part: Part, version: VersionTime): Fact[] {
  const isOfPerson = type.flags.includes('person');
  if (!isOfPerson && type.action !== 'discharge') return [];
  const { mrn } = personNamesOf(part.pid, reading);
  const { dead, deathTime, ...pid } = reading.members(part.pid, 'ADT');
  const patient = patientFact(mrn, reading, version);
  const members: Members = {
    ...pid,
    identifier: mrnIdentifier(mrn),
    ...reading.members(firstOf(part, 'PD1'), 'ADT'),
    contacts: contactsOf(reading, part),
  };
  const death = deathFact(reading, part.pid, { dead, deathTime }, patient);
  return [...(isOfPerson ? [{ ...patient, members }] : []), ...death];
}

/** The next of kin as the message lists them: a message without any says nothing of them. */
function contactsOf(reading: Reading, part: Part): object[] | undefined {
  const contacts = part.segments
    .filter(({ name }) => name === 'NK1')
    .map((segment) => {
      const { name, relationship, address, telecoms, workTelecoms } = reading.members(segment, 'ADT');
      const telecom = [telecoms, workTelecoms].flatMap((list) => (list ?? []) as object[]);
      return filled({ relationship: relationship && [relationship], name, telecom, address });
    })
    .filter((contact) => contact !== undefined && ('name' in contact || 'telecom' in contact || 'address' in contact));
  return contacts.length === 0 ? undefined : (contacts as object[]);
}

/** PID-30 says it, and PID-29 when. A date alone, or beside a No, is no death: it is noted. */
function deathFact(reading: Reading, pid: Segment, { dead, deathTime }: Members, patient: Fact): Fact[] {
  const place = placeIn(pid, { field: 30, component: 1 });
  if (typeof deathTime === 'string' && dead !== 'yes') {
    reading.note(dead === undefined ? 'death-unconfirmed' : 'death-contradicts', place);
  }
  if (dead === undefined) return [];
  const members = { died: dead === 'yes', time: dead === 'yes' ? deathTime : undefined };
  return [{ ...patient, kind: 'death', members }];
}

function visitIdentifier(pv1: Segment): object[] | undefined {
  const value = pv1.field(19).value?.trim();
  const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'VN' }] };
  return value ? [{ type, value }] : undefined;
}
