import type { Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { isObject, NHS_NUMBER_SYSTEM, nhsNumbersOf, textOf } from './patient-reference.js';
import { stableUuid } from './stable-uuid.js';
import { entriesOf, SECTIONS, titleOf } from './summary-sections.js';
import type { Section } from './summary-sections.js';

export interface SummaryOptions {
  readonly entries: readonly RecordEntry[];
  readonly nhsNumber: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Who makes the summary: the reader's organisation. */
  readonly organisation: { readonly ods: string; readonly name?: string };
  /** What the document says of entries that are not given to this reader. */
  readonly notice?: string | undefined;
}

const PROFILE = 'http://hl7.org/fhir/uv/ips/StructureDefinition';

/**
 * The International Patient Summary of a record, as a document Bundle: the Composition, the Patient, and what the sections
 * refer to. Everything that refers to the patient, or to an entry that is in the document, does so by its place there.
 */
export function patientSummary(options: SummaryOptions): Resource {
  const sections = SECTIONS.map((section) => ({ section, entries: entriesOf(section, options.entries) }));
  const shown = [...new Set(sections.flatMap(({ entries }) => entries))];
  const patient = patientOf(options);
  const places = placesOf(shown, options.entries, patient.url);
  const timestamp = new Date(options.now).toISOString();
  const composition = compositionOf(options, sections, patient.url, timestamp);
  const ids = shown.map(({ id }) => id).join(' ');
  const identity = `${timestamp} ${options.nhsNumber} ${options.organisation.ods} ${ids}${options.notice ?? ''}`;
  return {
    resourceType: 'Bundle',
    meta: { profile: [`${PROFILE}/Bundle-uv-ips`] },
    identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${stableUuid(identity)}` },
    type: 'document',
    timestamp,
    entry: [
      { fullUrl: `urn:uuid:${stableUuid(`composition ${identity}`)}`, resource: composition },
      { fullUrl: patient.url, resource: patient.resource },
      ...shown.map((entry) => ({ fullUrl: urlOf(entry), resource: placed(entry, places, patient.url) })),
    ],
  };
}

function urlOf({ id }: Pick<RecordEntry, 'id'>): string {
  return `urn:uuid:${stableUuid(id)}`;
}

/** Of several organisations' Patients the last updated one, then the first by id; one that names another number last. */
function patientOf({ entries, nhsNumber }: SummaryOptions): { url: string; resource: Resource } {
  const identifier = { system: NHS_NUMBER_SYSTEM, value: nhsNumber };
  const [chosen] = entries
    .filter(({ resourceType }) => resourceType === 'Patient')
    .map((entry) => ({
      entry,
      own: carries(entry.resource, nhsNumber),
      updated: Date.parse(entry.resource.meta?.lastUpdated ?? '') || 0,
    }))
    .sort((a, b) => Number(b.own) - Number(a.own) || b.updated - a.updated || (a.entry.id < b.entry.id ? -1 : 1));
  if (chosen === undefined)
    return { url: urlOf({ id: `Patient ${nhsNumber}` }), resource: { resourceType: 'Patient', identifier: [identifier] } };
  const { resource } = chosen.entry;
  const known = Array.isArray(resource['identifier']) ? (resource['identifier'] as unknown[]) : [];
  return { url: urlOf(chosen.entry), resource: chosen.own ? resource : { ...resource, identifier: [identifier, ...known] } };
}

function carries(patient: Resource, nhsNumber: string): boolean {
  return nhsNumbersOf(patient['identifier']).some(({ number }) => number === nhsNumber);
}

/** Where in the document an organisation's references lead, by `<ODS code>/<type>/<id>` and, for urn:uuid, `<ODS code> <id>`. */
function placesOf(shown: readonly RecordEntry[], all: readonly RecordEntry[], patientUrl: string): ReadonlyMap<string, string> {
  const patients = all.filter(({ resourceType }) => resourceType === 'Patient');
  const targets = [
    ...shown.map((entry) => ({ entry, place: urlOf(entry) })),
    ...patients.map((entry) => ({ entry, place: patientUrl })),
  ];
  return new Map(
    targets.flatMap(({ entry, place }): [string, string][] => [
      [entry.id, place],
      [`${entry.organisation} ${entry.resource.id}`, place],
    ]),
  );
}

function placed({ organisation, resource }: RecordEntry, places: ReadonlyMap<string, string>, patientUrl: string): Resource {
  const placedInside = withReferences(resource, (reference) => {
    const uuid = /^urn:uuid:(.+)$/.exec(reference)?.[1];
    if (uuid !== undefined) return places.get(`${organisation} ${uuid}`);
    const relative = /(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]*)?$/.exec(reference)?.[1];
    return relative === undefined ? undefined : places.get(`${organisation}/${relative}`);
  }) as Resource;
  return { ...placedInside, ...aboutThePatient(resource, patientUrl) };
}

/** Whatever is in a record is about its patient, also where the organisation's own Patient is not in the record. */
function aboutThePatient(resource: Resource, patientUrl: string): Partial<Resource> {
  return Object.fromEntries(
    ['subject', 'patient'].flatMap((field) => {
      const reference = resource[field];
      if (!isObject(reference) || /(?:^|\/)(?!Patient\/)[A-Z][A-Za-z]+\/[^/]+$/.test(textOf(reference['reference']) ?? ''))
        return [];
      return [[field, { ...reference, reference: patientUrl }]];
    }),
  );
}

function withReferences(value: unknown, placeOf: (reference: string) => string | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, placeOf));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'reference' && typeof item === 'string' ? (placeOf(item) ?? item) : withReferences(item, placeOf),
    ]),
  );
}

type Held = { readonly section: Section; readonly entries: readonly RecordEntry[] };

function compositionOf(
  { organisation, notice }: SummaryOptions,
  sections: readonly Held[],
  patientUrl: string,
  date: string,
): Resource {
  return {
    resourceType: 'Composition',
    meta: { profile: [`${PROFILE}/Composition-uv-ips`] },
    // `additional`: what it says stands in no section.
    ...(notice !== undefined && { text: narrative('additional', `<p>${escaped(notice)}</p>`) }),
    status: 'final',
    type: { coding: [{ system: 'http://loinc.org', code: '60591-5', display: 'Patient summary Document' }] },
    subject: { reference: patientUrl },
    date,
    author: [
      {
        type: 'Organization',
        identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value: organisation.ods },
        display: textOf(organisation.name) ?? organisation.ods,
      },
    ],
    title: 'International Patient Summary',
    section: sections
      .filter(({ section, entries }) => section.required || entries.length > 0)
      .map((held) => sectionOf(held, emptinessOf(notice))),
  };
}

/** Why a section is empty, and what it says then. The same of every one: which of them would hold what is withheld is not said. */
const emptinessOf = (notice: string | undefined) =>
  notice === undefined
    ? { reason: 'unavailable', text: 'Nothing is known here from what is shared.' }
    : { reason: 'withheld', text: `Nothing is shown here. ${notice}` };

function narrative(status: 'generated' | 'additional', body: string): object {
  return { status, div: `<div xmlns="http://www.w3.org/1999/xhtml">${body}</div>` };
}

function sectionOf({ section, entries }: Held, empty: ReturnType<typeof emptinessOf>): object {
  const lines = entries.map(
    (entry) =>
      `<li>${escaped(titleOf(entry.resource))}${entry.occurredAt ? `, ${escaped(entry.occurredAt.slice(0, 10))}` : ''}</li>`,
  );
  const body = lines.length > 0 ? `<ul>${lines.join('')}</ul>` : `<p>${escaped(empty.text)}</p>`;
  return {
    title: section.title,
    code: { coding: [{ system: 'http://loinc.org', code: section.loinc }] },
    text: narrative('generated', body),
    ...(entries.length > 0
      ? { entry: entries.map((entry) => ({ reference: urlOf(entry) })) }
      : {
          emptyReason: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: empty.reason }] },
        }),
  };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
