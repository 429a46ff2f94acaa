import type { Resource } from '@weft/domain';
import { FHIR_JSON } from './envelope.js';

/** An entry of a record as its reader is given it. */
export interface RecordEntry {
  /** `<ODS code>/<resource type>/<resource id>`. */
  readonly id: string;
  readonly organisation: string;
  readonly resourceType: string;
  readonly occurredAt: string | null;
  readonly recordedAt: string;
  readonly resource: Resource;
}

export interface EverythingPage {
  /** The entries of this page alone. */
  readonly entries: readonly RecordEntry[];
  /** The FHIR base, without a slash at its end. */
  readonly baseUrl: string;
  readonly nhsNumber: string;
  /** How many entries stand before this page. */
  readonly offset: number;
  /** How many a page holds at most. */
  readonly count: number;
  /** How many there are in all. */
  readonly total: number;
  /** Further query parameters that the links keep, such as the purpose. */
  readonly query?: Readonly<Record<string, string>>;
  /** What the first page says of entries that are not among these. */
  readonly notice?: string | undefined;
}

/** One page of `Patient/$everything`: following `next` from the first page gives every entry once. */
export function everythingBundle(page: EverythingPage): Resource {
  const { entries, baseUrl, offset, count, total, notice } = page;
  const next = offset + entries.length;
  const matches = entries.map((entry) => ({
    fullUrl: fullUrlOf(baseUrl, entry),
    resource: entry.resource,
    search: { mode: 'match' },
  }));
  const outcomes = notice === undefined || offset > 0 ? [] : [{ resource: suppressed(notice), search: { mode: 'outcome' } }];
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total,
    link: [
      { relation: 'self', url: pageUrl(page, offset) },
      ...(offset > 0 ? [{ relation: 'previous', url: pageUrl(page, Math.max(0, offset - count)) }] : []),
      ...(entries.length > 0 && next < total ? [{ relation: 'next', url: pageUrl(page, next) }] : []),
    ],
    // FHIR has no empty arrays.
    ...(matches.length + outcomes.length > 0 && { entry: [...matches, ...outcomes] }),
  };
}

/** FHIR R4, issue type `suppressed`: something is not given for reasons of consent or privacy. */
function suppressed(notice: string): Resource {
  return {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'information', code: 'suppressed', details: { text: notice } }],
  };
}

/** Two organisations may use one id: each has its own base, against which its relative references resolve too. */
function fullUrlOf(baseUrl: string, { organisation, resourceType, resource }: RecordEntry): string {
  return `${baseUrl}/${organisation}/${resourceType}/${resource.id}`;
}

function pageUrl({ baseUrl, nhsNumber, count, query = {} }: EverythingPage, offset: number): string {
  const parameters = new URLSearchParams({ ...query, _count: String(count), _offset: String(offset) });
  return `${baseUrl}/Patient/${nhsNumber}/$everything?${parameters}`;
}

/** What the FHIR side of Weft can do. `date` is RFC 3339, or a date. */
export function capabilityStatement({ baseUrl, version, date }: { baseUrl: string; version: string; date: string }): Resource {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date,
    kind: 'instance',
    software: { name: 'Weft', version },
    implementation: { description: 'Shared health and care records of one region', url: baseUrl },
    fhirVersion: '4.0.1',
    format: [FHIR_JSON],
    rest: [
      {
        mode: 'server',
        documentation: 'A Bundle posted to the base is published: one care event for each resource about the patient it carries.',
        security: { description: 'A bearer JSON Web Token that names an organisation and its roles.' },
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
        resource: [
          {
            type: 'Patient',
            documentation: 'The id of a Patient here is its NHS number.',
            operation: [
              { name: 'everything', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything' },
              { name: 'summary', definition: 'http://hl7.org/fhir/uv/ips/OperationDefinition/summary' },
            ],
          },
        ],
      },
    ],
  };
}
