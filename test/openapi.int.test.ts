import { CARE_EVENT_TYPES, DECISION_TYPE } from '@weft/domain';
import { type Region, startRegion } from './e2e/region.js';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}
interface Media {
  readonly schema?: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
type Content = Readonly<Record<string, Media>>;
interface Operation {
  readonly summary?: string;
  readonly security?: unknown;
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The request's bodies of routes that can be tried without anything before them, and who may send them. */
const TRIED = {
  'POST /events': 'publisher',
  'POST /fhir': 'publisher',
  'POST /consents': 'publisher',
  'POST /policy/plans': 'governance',
  'POST /policies': 'governance',
} as const;
/** A redrive sends what stands in quarantine. */
const WITHOUT_BODY = [
  '/released-codes/{id}/authorisations',
  '/quarantine/{id}/redrive',
  '/quarantine/{topic}/{partition}/{offset}/redrive',
  '/policies/{id}/authorisations',
];

describe('/docs', () => {
  let region: Region;
  let document: Document;
  let operations: [string, Operation][];
  beforeAll(async () => {
    region = await startRegion();
    document = (await (await fetch(`${region.url}/docs-json`)).json()) as Document;
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method.toUpperCase()} ${path}`, operation]),
    );
  });
  afterAll(() => region.close());
  const without = (has: (operation: Operation, name: string) => boolean) =>
    operations.filter(([name, operation]) => !has(operation, name)).map(([name]) => name);

  it('has every route', () => expect(operations.length).toBeGreaterThan(28));

  it('says of every route what it does', () => {
    expect(without(({ summary }) => (summary ?? '').length > 5)).toEqual([]);
  });

  it('says of every route how it refuses, each in one form', () => {
    expect(without(({ responses }) => '503' in responses)).toEqual([]);
    expect(
      without(({ security, responses }) => security === undefined || ['401', '403', '429'].every((one) => one in responses)),
    ).toEqual([]);
    expect(
      without(({ responses }, name) => !name.includes('{') || ['400', '404', '410'].some((one) => one in responses)),
    ).toEqual([]);
    expect(
      without(
        ({ requestBody, responses }) => requestBody === undefined || ['400', '413', '415'].every((one) => one in responses),
      ),
    ).toEqual([]);
    const refusals = operations.flatMap(([name, { responses }]) =>
      Object.entries(responses).map(([status, { content, description }]) => ({
        name,
        status,
        description,
        types: Object.keys(content ?? {}),
      })),
    );
    const wrong = refusals.filter(({ name, status, description, types }) => {
      const type = /^\w+ \/fhir(?:\/|$)/.test(name) ? 'application/fhir+json' : 'application/problem+json';
      return status >= '400' && (types.join() !== type || !description);
    });
    expect(wrong).toEqual([]);
  });

  it('shows for every route that takes a body a whole one, in every content type', () => {
    const isPost = (name: string): boolean => name.startsWith('POST ') && !WITHOUT_BODY.includes(name.slice(5));
    expect(without(({ requestBody }, name) => !isPost(name) || requestBody !== undefined)).toEqual([]);
    const bare = operations.flatMap(([name, { requestBody }]) =>
      Object.entries(requestBody?.content ?? {})
        .filter(([, { examples }]) => examples === undefined)
        .map(([type]) => `${name} ${type}`),
    );
    expect(bare).toEqual([]);
  });

  it('shows an event of every type', () => {
    const { examples } = document.paths['/events']!['post']!.requestBody!.content['application/cloudevents+json']!;
    expect(Object.keys(examples!).sort()).toEqual([...CARE_EVENT_TYPES, DECISION_TYPE].sort());
    for (const [type, { value }] of Object.entries(examples!)) expect(value).toMatchObject({ type });
  });

  it('shows for every route a whole answer, as its schema has it', () => {
    const faults = operations.flatMap(([name, { responses }]) =>
      Object.entries(responses)
        .filter(([status]) => status < '300' && status !== '204')
        .flatMap(([status, { content = {} }]) => {
          const media = Object.values(content);
          if (media.length === 0 || media.some(({ example }) => example === undefined)) return [`${name} ${status} has none`];
          return media.flatMap(({ schema = {}, example }) =>
            faultsOf(schema, example, document).map((fault) => `${name} ${fault}`),
          );
        }),
    );
    expect(faults).toEqual([]);
  });

  it('shows bodies that are taken', async () => {
    for (const [name, role] of Object.entries(TRIED)) {
      const [, path] = name.split(' ') as [string, string];
      const query = path.startsWith('/polic') ? '' : '?validate-only=true';
      for (const [type, { examples = {} }] of Object.entries(document.paths[path]!['post']!.requestBody!.content)) {
        for (const [title, { value }] of Object.entries(examples)) {
          const headers = { 'content-type': type, ...(path === '/events' && ATTRIBUTES) };
          const answer = await region.as([role], `${path}${query}`, { method: 'POST', headers, body: JSON.stringify(value) });
          const text = await answer.text();
          expect({ name, type, title, isTaken: answer.status < 300 && !/"errors"|"severity":"error"/.test(text), text }).toEqual({
            name,
            type,
            title,
            isTaken: true,
            text,
          });
        }
      }
    }
  });
});

const ATTRIBUTES = {
  ...{ 'ce-specversion': '1.0', 'ce-id': 'e1', 'ce-source': 'urn:ods:RX901', 'ce-type': 'care-event-recorded-1' },
  ...{ 'ce-subject': '9990000018', 'ce-time': '2026-03-04T09:30:00Z' },
};

/** Members that an example lacks, or has and the schema does not know. */
function faultsOf(schema: Schema, value: unknown, document: Document, at = ''): string[] {
  if (schema.$ref !== undefined)
    return faultsOf(document.components.schemas[schema.$ref.split('/').at(-1)!]!, value, document, at);
  const choices = schema.oneOf?.map((one) => faultsOf(one, value, document, at));
  if (choices !== undefined) return choices.sort((one, other) => one.length - other.length)[0]!;
  if (value === null) return [];
  if (schema.allOf !== undefined) return schema.allOf.flatMap((one) => faultsOf(one, value, document, at));
  if (schema.items !== undefined) {
    if (!Array.isArray(value) || value.length === 0) return at === '' ? [`${at} is an empty list`] : [];
    return value.flatMap((one, index) => faultsOf(schema.items!, one, document, `${at}[${index}]`));
  }
  const { properties, required = [] } = schema;
  if (properties === undefined) return [];
  const members = value as Readonly<Record<string, unknown>>;
  return [
    ...required.filter((name) => !(name in members)).map((name) => `lacks ${at}.${name}`),
    ...Object.keys(members).flatMap((name) =>
      properties[name] === undefined
        ? [`has ${at}.${name}`]
        : faultsOf(properties[name], members[name], document, `${at}.${name}`),
    ),
  ];
}
