import { type Resource, sourceIn, withoutMark } from '@weft/domain';
import { FHIR_JSON } from './envelope.js';
import { FHIR_INTERACTIONS, isFoundByIdentifier } from './fhir-interactions.js';

/** An entry of a record as its reader is given it. */
export interface RecordEntry {
  /** `<source>/<resource type>/<resource id>`. */
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
  /** How many there are on all pages. */
  readonly total: number;
  /** Query parameters of this page, and of the next where there is one. */
  readonly query: Readonly<Record<string, string>>;
  readonly next: Readonly<Record<string, string>> | null;
  /** What this page says of what is not given. */
  readonly notice?: string | undefined;
  /** What this page says of care events that are not in the record yet. */
  readonly waiting?: string | undefined;
}

/** One page of `Patient/$everything`: following `next` from the first page gives every entry once. */
export function everythingBundle(page: EverythingPage): Resource {
  const { entries, baseUrl, total, query, next, notice, waiting } = page;
  const matches = entries.map((entry) => ({
    fullUrl: fullUrlOf(baseUrl, entry),
    resource: entry.resource,
    search: { mode: 'match' },
  }));
  const outcomes = [
    ...(notice === undefined ? [] : [outcome('suppressed', notice)]),
    ...(waiting === undefined ? [] : [outcome('incomplete', waiting)]),
  ];
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total,
    link: [
      { relation: 'self', url: pageUrl(page, query) },
      ...(next === null ? [] : [{ relation: 'next', url: pageUrl(page, next) }]),
    ],
    // FHIR has no empty arrays.
    ...(matches.length + outcomes.length > 0 && { entry: [...matches, ...outcomes] }),
  };
}

/**
 * FHIR R4, issue types: `suppressed` is not given for reasons of consent or privacy, `incomplete` could not be had.
 */
function outcome(code: 'suppressed' | 'incomplete', text: string): object {
  const severity = code === 'suppressed' ? 'information' : 'warning';
  const resource = { resourceType: 'OperationOutcome', issue: [{ severity, code, details: { text } }] };
  return { resource, search: { mode: 'outcome' } };
}

/** Two sources may use one id: each has its own base, against which its relative references resolve too. */
function fullUrlOf(baseUrl: string, { id, organisation, resourceType, resource }: RecordEntry): string {
  const path = id.includes('/') ? pathOf(id) : `${organisation}/${resourceType}/${resource.id}`;
  return `${baseUrl}/${path.split('/').map(encodedSegment).join('/')}`;
}

/** FHIR has an address end with the resource's own id: what tells two numbers' entries apart stands with their source. */
function pathOf(id: string): string {
  const [plain, source] = [withoutMark(id), sourceIn(id)];
  return `${source}${id.slice(plain.length)}${plain.slice(source.length)}`;
}

/** A system's name may hold what an address may not; a colon it may. */
const encodedSegment = (segment: string): string => encodeURIComponent(segment).replaceAll('%3A', ':');

function pageUrl({ baseUrl, nhsNumber }: EverythingPage, query: Readonly<Record<string, string>>): string {
  return `${baseUrl}/Patient/${nhsNumber}/$everything?${new URLSearchParams(query)}`;
}

interface Server {
  readonly baseUrl: string;
  readonly version: string;
  /** RFC 3339, or a date. */
  readonly date: string;
  /** Where clients get their tokens, where that is known. */
  readonly tokenUrl?: string | undefined;
}

/** What the FHIR side of Weft can do, and nothing else. */
export function capabilityStatement({ baseUrl, version, date, tokenUrl }: Server): Resource {
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
        documentation:
          'What is created, updated or deleted is published as care events about the patient. A transaction is taken whole or not at all; of every other Bundle each entry by itself. Nothing is looked up before an answer: If-Match is compared where the event comes to the record.',
        security: securityOf(tokenUrl),
        resource: [...FHIR_INTERACTIONS].map(([type, interactions]) => ({
          type,
          ...(type === 'Patient' && { documentation: READING }),
          interaction: interactions.map((code) => ({ code })),
          ...{ versioning: 'versioned', readHistory: false, updateCreate: true, conditionalCreate: false },
          ...{ conditionalUpdate: isFoundByIdentifier(type), conditionalDelete: 'not-supported' },
          ...(type === 'Patient' && { operation: READ_BY }),
        })),
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
        operation: [
          { name: 'process-message', definition: 'http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message' },
        ],
      },
    ],
  };
}

const READING =
  'Operations read the record of a person, whose id there is the NHS number. A Patient is published under its source’s own id.';
const READ_BY = [
  { name: 'everything', definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything' },
  { name: 'summary', definition: 'http://hl7.org/fhir/uv/ips/OperationDefinition/summary' },
];

/** https://hl7.org/fhir/smart-app-launch/STU1/conformance: `token` is all that a client without a user needs. */
function securityOf(tokenUrl: string | undefined): object {
  const uris = { url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris' };
  return {
    ...(tokenUrl !== undefined && { extension: [{ ...uris, extension: [{ url: 'token', valueUri: tokenUrl }] }] }),
    service: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/restful-security-service',
            code: 'SMART-on-FHIR',
            display: 'SMART-on-FHIR',
          },
        ],
        text: 'OAuth 2.0 bearer tokens',
      },
    ],
    description: 'A bearer JSON Web Token that names an organisation and its roles. This statement needs none.',
  };
}
