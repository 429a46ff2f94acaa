import { absent, intervalOf, isDeathId, type Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { NHS_NUMBER_SYSTEM, nhsNumbersOf, objectsOf, textOf } from './patient-reference.js';
import { stableUuid } from './stable-uuid.js';
import { superseded } from './summary-latest.js';
import { narrative, paragraph, remainderText, tableOf, warning } from './summary-narrative.js';
import { personText } from './summary-person.js';
import { placed, References, urlOf } from './summary-references.js';
import { type LeftOut, placeOf, type Section, SECTIONS } from './summary-sections.js';

export interface SummaryOptions {
  readonly entries: readonly RecordEntry[];
  readonly nhsNumber: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Who makes the summary: the reader's organisation. */
  readonly organisation: { readonly ods: string; readonly name?: string };
  /** What the document says of entries that are not given to this reader. */
  readonly notice?: string | undefined;
  /** What the document says of care events that are not in the record yet. */
  readonly waiting?: string | undefined;
}

const PROFILE = 'http://hl7.org/fhir/uv/ips/StructureDefinition';

/**
 * The International Patient Summary of a record, as a document Bundle: the Composition, the Patient, what the sections refer
 * to, and what that cannot be read without. Everything that refers to the patient, or to an entry that is in the document, does
 * so by its place there.
 */
export function patientSummary(options: SummaryOptions): Resource {
  const references = new References(options.entries);
  const sorted = sortedOut(options, references);
  const listed = sorted.sections.flatMap(({ entries }) => entries);
  const shown = [...listed, ...references.neededBy(listed)];
  const patient = patientOf(options);
  const places = new Map([
    ...shown.map((entry): [RecordEntry, string] => [entry, urlOf(entry)]),
    ...options.entries.filter(isPatient).map((entry): [RecordEntry, string] => [entry, patient.url]),
  ]);
  const timestamp = new Date(options.now).toISOString();
  const composition = compositionOf(options, { ...sorted, shown, references, patient, timestamp });
  const ids = shown.map(({ id }) => id).join(' ');
  const said = `${options.notice ?? ''}${options.waiting ?? ''}`;
  const identity = `${timestamp} ${options.nhsNumber} ${options.organisation.ods} ${ids}${said}`;
  return {
    resourceType: 'Bundle',
    meta: { profile: [`${PROFILE}/Bundle-uv-ips`] },
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${stableUuid(identity)}` },
    type: 'document',
    timestamp,
    entry: [
      { fullUrl: `urn:uuid:${stableUuid(`composition ${identity}`)}`, resource: composition },
      { fullUrl: patient.url, resource: asProfiled(patient.resource) },
      ...shown.map((entry) => ({ fullUrl: urlOf(entry), resource: placed(entry, places, references, patient.url) })),
    ],
  };
}

const isPatient = ({ resourceType }: RecordEntry): boolean => resourceType === 'Patient';

type Held = { readonly section: Section; readonly entries: readonly RecordEntry[] };
type Remaining = { readonly entry: RecordEntry; readonly why: LeftOut };
interface Sorted {
  readonly sections: readonly Held[];
  readonly remainder: readonly Remaining[];
}

/** Each entry but the Patients is in one section or in the remainder, the latest first, the same whatever order they came in. */
function sortedOut({ entries, now }: SummaryOptions, references: References): Sorted {
  const all = latestFirst(
    entries.filter((entry) => !isPatient(entry)),
    now,
  );
  const sections = new Map<Section, RecordEntry[]>(Object.values(SECTIONS).map((section) => [section, []]));
  const remainder: Remaining[] = [];
  for (const entry of all) {
    const place = placeOf(entry.resource, now);
    if ('leftOut' in place) remainder.push({ entry, why: place.leftOut });
    else sections.get(SECTIONS[place.section])?.push(entry);
  }
  return {
    sections: [...sections].map(([section, placedIn]) => {
      if (section.latestOnly !== true) return { section, entries: placedIn.sort(inForceFirst) };
      const earlier = superseded(placedIn, (entry) => references.findFor(entry), now);
      remainder.push(...placedIn.filter(({ id }) => earlier.has(id)).map((entry) => ({ entry, why: 'superseded' as const })));
      return { section, entries: placedIn.filter(({ id }) => !earlier.has(id)) };
    }),
    remainder,
  };
}

/** What has no date, or one in the future, is no later than anything. */
function latestFirst(entries: readonly RecordEntry[], now: number): RecordEntry[] {
  return entries
    .map((entry) => ({ entry, instant: instantOf(entry, now) }))
    .sort((one, other) => other.instant - one.instant || (one.entry.id < other.entry.id ? -1 : 1))
    .map(({ entry }) => entry);
}

function instantOf({ occurredAt }: RecordEntry, now: number): number {
  const from = intervalOf(occurredAt)?.from ?? Infinity;
  return from > now ? -8.64e15 : from;
}

/** An allergy that is resolved is listed, behind those that are not. */
const inForceFirst = (one: RecordEntry, other: RecordEntry): number => Number(isOver(one)) - Number(isOver(other));

const isOver = ({ resource }: RecordEntry): boolean =>
  resource.resourceType === 'AllergyIntolerance' &&
  /"(inactive|resolved)"/.test(JSON.stringify(resource['clinicalStatus'] ?? ''));

/** Of several organisations' Patients the last updated one, then the first by id; one that names another number last. Who told a death need know no more of the person. */
function patientOf({ entries, nhsNumber }: SummaryOptions): { url: string; resource: Resource } {
  const identifier = { system: NHS_NUMBER_SYSTEM, value: nhsNumber };
  const [chosen] = entries
    .filter(isPatient)
    .map((entry) => ({
      entry,
      isDeath: isDeathId(entry.id),
      own: carries(entry.resource, nhsNumber),
      updated: Date.parse(entry.resource.meta?.lastUpdated ?? '') || 0,
    }))
    .sort(
      (a, b) =>
        Number(a.isDeath) - Number(b.isDeath) ||
        Number(b.own) - Number(a.own) ||
        b.updated - a.updated ||
        (a.entry.id < b.entry.id ? -1 : 1),
    );
  if (chosen === undefined)
    return { url: urlOf({ id: `Patient ${nhsNumber}` }), resource: { resourceType: 'Patient', identifier: [identifier] } };
  const resource = withDeath(chosen.entry.resource, entries);
  const known = Array.isArray(resource['identifier']) ? (resource['identifier'] as unknown[]) : [];
  return { url: urlOf(chosen.entry), resource: chosen.own ? resource : { ...resource, identifier: [identifier, ...known] } };
}

/** A death stands until it is taken back, whatever a Patient leaves unsaid: the one told last. */
function withDeath(patient: Resource, entries: readonly RecordEntry[]): Resource {
  const [last] = entries.filter(({ id }) => isDeathId(id)).sort((a, b) => (a.recordedAt < b.recordedAt ? 1 : -1));
  if (last === undefined) return patient;
  const { deceasedBoolean: _, deceasedDateTime: __, ...rest } = patient;
  const { deceasedBoolean, deceasedDateTime } = last.resource as Resource & Record<string, unknown>;
  return { ...rest, ...(deceasedDateTime === undefined ? { deceasedBoolean } : { deceasedDateTime }) };
}

/** The profile requires a name and a birth date: of one that nobody told it is said that it is not known. */
function asProfiled(patient: Resource): Resource {
  const names = objectsOf(patient['name']);
  const isNamed = names.some((name) => ['family', 'given', 'text'].some((part) => name[part] !== undefined));
  const isBorn = patient['birthDate'] !== undefined || patient['_birthDate'] !== undefined;
  return {
    ...patient,
    ...(!isNamed && { name: [{ _text: absent('unknown') }] }),
    ...(!isBorn && { _birthDate: absent('unknown') }),
  };
}

function carries(patient: Resource, nhsNumber: string): boolean {
  return nhsNumbersOf(patient['identifier']).some(({ number }) => number === nhsNumber);
}

interface Composing extends Sorted {
  readonly shown: readonly RecordEntry[];
  readonly references: References;
  readonly patient: { readonly url: string; readonly resource: Resource };
  readonly timestamp: string;
}

function compositionOf(options: SummaryOptions, composing: Composing): Resource {
  const { organisation } = options;
  const { patient, timestamp } = composing;
  return {
    resourceType: 'Composition',
    meta: { profile: [`${PROFILE}/Composition-uv-ips`] },
    text: wholeText(options, composing),
    status: 'final',
    type: { coding: [{ system: 'http://loinc.org', code: '60591-5', display: 'Patient summary Document' }] },
    subject: { reference: patient.url },
    date: timestamp,
    author: [
      {
        type: 'Organization',
        identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: organisation.ods },
        display: textOf(organisation.name) ?? organisation.ods,
      },
    ],
    title: 'International Patient Summary',
    section: composing.sections
      .filter(({ section, entries }) => section.required === true || entries.length > 0)
      .map((held) => sectionOf(held, options, composing.references)),
  };
}

/** `additional`: it says what stands in no section. */
function wholeText({ entries, nhsNumber, notice, waiting, now }: SummaryOptions, composing: Composing): object {
  const { patient, shown, references } = composing;
  const others = entries.filter((entry) => isPatient(entry) && urlOf(entry) !== patient.url);
  const isRead = new Set(shown);
  const remainder = composing.remainder.filter(
    ({ entry }) => !(isRead.has(entry) && ['Medication', 'Specimen'].includes(entry.resourceType)),
  );
  return narrative(
    'additional',
    [
      personText({ patient: patient.resource, others, nhsNumber, now }),
      ...[notice, waiting].flatMap((text) => (text === undefined ? [] : [warning(text)])),
      remainderText(remainder, (entry) => references.findFor(entry)),
    ].join(''),
  );
}

function sectionOf({ section, entries }: Held, options: SummaryOptions, references: References): object {
  const { notice, waiting, now } = options;
  const { title, loinc } = section;
  const code = { coding: [{ system: 'http://loinc.org', code: loinc }] };
  if (entries.length > 0) {
    const table = tableOf(entries, (entry) => references.findFor(entry), now);
    return { title, code, text: narrative('generated', table), entry: entries.map((entry) => ({ reference: urlOf(entry) })) };
  }
  const { reason, text } = emptinessOf(notice);
  return {
    title,
    code,
    text: narrative('generated', paragraph([text, ...(waiting === undefined ? [] : [waiting])].join(' '))),
    emptyReason: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: reason }] },
  };
}

/** Why a section is empty, and what it says then. The same of every one: which of them would hold what is withheld is not said. */
const emptinessOf = (notice: string | undefined) =>
  notice === undefined
    ? { reason: 'unavailable', text: 'Nothing is known here from what is shared.' }
    : { reason: 'withheld', text: `Nothing is shown here. ${notice}` };
