import { hasTimeOfDay, readTime } from '../times.js';
import type { Segment } from '../message.js';
import { type Attached, attached, attachmentsOf, isAttachment } from './attachments.js';
import { type Identifier, numbered } from './entry-names.js';
import type { EntryName, Fact, Members, PersonFacts, VersionTime } from './facts.js';
import { filled } from './forms.js';
import { personNamesOf } from './person-names.js';
import { firstOf, type Part, visitName } from './parts.js';
import { placeIn, type Reading } from './reading.js';
import { refersTo } from './references.js';
import type { MessageType } from './rows.js';

/** A document: T02 and what follows it. */
export function readDocument(reading: Reading, type: MessageType, part: Part, version: VersionTime): PersonFacts {
  const names = personNamesOf(part.pid, reading);
  const txa = firstOf(part, 'TXA');
  if (txa === undefined) reading.fault('required', { segment: 'TXA', index: 1, field: 12, repetition: 1, component: 1 });
  const members = reading.members(txa, 'MDM');
  if (txa === undefined || members['identifier'] === undefined) return { names, facts: [] };
  const parent = members['parent'] ? documentName(reading, members['parent']) : undefined;
  const needsParent = type.action === 'addendum' || type.action === 'replacement';
  if (needsParent && !parent) reading.fault('required', placeIn(txa, { field: 13, component: 1 }));
  const pv1 = firstOf(part, 'PV1');
  const visit = pv1?.field(19).value ? visitName(reading, pv1, names.mrn, false) : undefined;
  const isGone = type.action === 'cancel' || members['availability'] === 'retract';
  const files = isGone || type.action === 'status' ? [] : contentsOf(reading, part);
  const fact: Fact = {
    ...{ kind: 'document', entry: documentName(reading, members['identifier']), action: isGone ? 'retract' : 'record' },
    members: type.action === 'status' ? statusOf(members) : bodyOf({ txa, members, type, files, parent, visit }),
    ...{ version, visit, attached: files.flatMap(({ binary }) => binary ?? []) },
  };
  const superseded: Fact[] =
    type.action === 'replacement' && parent && !isGone
      ? [{ kind: 'document', entry: parent, action: 'supersede', members: {}, version }]
      : [];
  return { names, facts: [fact, ...superseded] };
}

const documentName = ({ message }: Reading, identifier: unknown): EntryName => [
  'DocumentReference',
  ...numbered(identifier as Identifier, message.header.field(3).value?.trim() || undefined),
];

function statusOf({ docStatus, confidentiality, availability }: Members): Members {
  return {
    docStatus,
    status: availability === 'retract' ? undefined : availability,
    securityLabel: confidentiality && [
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: confidentiality }] },
    ],
  };
}

interface Document {
  readonly txa: Segment;
  readonly members: Members;
  readonly type: MessageType;
  readonly files: readonly Attached[];
  readonly parent: EntryName | undefined;
  readonly visit: EntryName | undefined;
}

function bodyOf({ txa, members, type, files, parent, visit }: Document): Members {
  const { identifier, type: kind, authors, title } = members;
  const { value, assigner } = identifier as Identifier;
  const shown = typeof title === 'string' ? title : undefined;
  return {
    identifier: [filled({ value, assigner: assigner && { display: assigner } })],
    ...statusOf(members),
    type: kind,
    date: instantIn(txa, members),
    author: authors,
    description: shown,
    relatesTo: parent && [{ code: type.action === 'replacement' ? 'replaces' : 'appends', target: refersTo(parent) }],
    content: files.length === 0 ? undefined : files.map(({ attachment }) => ({ attachment: { title: shown, ...attachment } })),
    context: visit && { encounter: [refersTo(visit)] },
  };
}

/** When it was written; FHIR's date of a document is an instant, and a day is none. */
function instantIn(txa: Segment, members: Members): unknown {
  const places = [6, 4].map((field) => readTime(txa.field(field).value ?? ''));
  const index = places.findIndex((time) => time !== null && hasTimeOfDay(time));
  return index < 0 ? undefined : [members['originated'], members['activity']][index];
}

/** Files as they are, and every line of text as one file. */
function contentsOf(reading: Reading, { segments }: Part): Attached[] {
  const observations = segments.filter(({ name }) => name === 'OBX');
  const lines = observations
    .filter((segment) => !isAttachment(segment))
    .map((segment) =>
      segment
        .field(5)
        .repetitions.map((repetition) => repetition.text ?? '')
        .join('\n'),
    );
  const text = lines.join('\n');
  const files = attachmentsOf(reading, observations.filter(isAttachment));
  return [...(text.trim() === '' ? [] : [attached(Buffer.from(text, 'utf8'), 'text/plain; charset=utf-8', undefined)]), ...files];
}
