import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiExtension, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { PROBLEM_JSON } from './problem.js';

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Weft: its interface</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script type="module" src="/docs/start.js"></script></body>
</html>
`;
/** The apps behind a region's front door. Each serves its own document; the page shows all that answer, as one. */
const DOORS = ['gateway', 'record-api'];

/** In a browser: `documents` are fetched, and those that answer shown as one. */
const start = (documents: readonly string[]): string => `const documents = ${JSON.stringify(documents)};
const load = async (path) => {
  const answer = await fetch(path).catch(() => null);
  return answer?.ok ? answer.json() : null;
};
const found = (await Promise.all(documents.map(load))).filter((one) => one !== null);
const together = (part) => Object.assign({}, ...found.map(part));
const spec = {
  ...found[0],
  info: { ...found[0]?.info, description: found.map(({ info }) => info.description).join('\\n\\n') },
  paths: together(({ paths }) => paths),
  components: { ...found[0]?.components, schemas: together(({ components }) => components?.schemas) },
};
SwaggerUIBundle({ spec, dom_id: '#swagger-ui', deepLinking: true });
`;

interface Documented {
  /** Name of the app, where it runs by itself. */
  readonly name?: string | undefined;
  readonly description: string;
}

/**
 * The OpenAPI document at /docs-json (and /docs-yaml), for people at /docs. The page is ours and its scripts are files, so that
 * the content policy needs no inline script, and no plugin is needed to serve three files. An app by itself has its document at
 * /docs/<app>.json too, where front doors find it beside those of the others.
 */
export function serveDocumentation(app: NestFastifyApplication, { name, description }: Documented): void {
  const config = new DocumentBuilder().setTitle('Weft').setDescription(description).setVersion('1').addBearerAuth().build();
  let document: OpenAPIObject | undefined;
  const documented = (): OpenAPIObject => (document ??= completed(SwaggerModule.createDocument(app, config)));
  SwaggerModule.setup('docs', app, documented, { ui: false });

  const server = app.getHttpAdapter().getInstance();
  const installed = createRequire(import.meta.url);
  const file = (name: string): Buffer => readFileSync(installed.resolve(`swagger-ui-dist/${name}`));
  const serve = (path: string, type: string, content: () => string | Buffer): void => {
    server.get(path, (_, reply) => reply.type(type).send(content()));
  };
  const isDoor = name !== undefined && DOORS.includes(name);
  const documents = isDoor ? DOORS.map((door) => `/docs/${door}.json`) : ['/docs-json'];
  serve('/docs', 'text/html; charset=utf-8', () => PAGE);
  serve('/docs/start.js', 'text/javascript; charset=utf-8', () => start(documents));
  serve('/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8', () => file('swagger-ui-bundle.js'));
  serve('/docs/swagger-ui.css', 'text/css; charset=utf-8', () => file('swagger-ui.css'));
  if (isDoor) serve(`/docs/${name}.json`, 'application/json; charset=utf-8', () => JSON.stringify(documented()));
}

/** What a route is sent and answers, whole. */
export interface ExampleOf {
  /** By content type, and by a name of each. */
  readonly request?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly answer?: unknown;
}

const EXAMPLE = 'x-example';
export const Example = (example: ExampleOf) => ApiExtension(EXAMPLE, example);

const text = (description: string) => ({ type: 'string', description });

const PROBLEM = {
  type: 'object',
  example: {
    ...{ type: 'urn:weft:problem:invalid-request', title: 'The request is not valid', status: 400 },
    instance: 'urn:uuid:6671ecdc-05b5-4e88-ac96-5c99acc03f7b',
    errors: [{ field: 'purpose', code: 'unknown-purpose', message: 'is none of direct-care, care-coordination, …' }],
  },
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'instance'],
  properties: {
    type: text('`urn:weft:problem:<code>`: stable, for machines'),
    title: text('For people'),
    status: { type: 'integer' },
    detail: text('What may be done'),
    instance: text('`urn:uuid:` and the request’s id, under which the log knows it'),
    errors: {
      type: 'array',
      description: 'One item a field',
      items: {
        type: 'object',
        required: ['field', 'code', 'message'],
        properties: {
          field: text('Path of the field'),
          code: text('Stable, for machines'),
          message: text('For people; never repeats an identifier'),
        },
      },
    },
  },
};

const OUTCOME = { 'application/fhir+json': { schema: { type: 'object', description: 'OperationOutcome' } } };
const REFUSED = { [PROBLEM_JSON]: { schema: { $ref: '#/components/schemas/Problem' } } };
const UNAVAILABLE = {
  description: 'An engine or the token issuer does not answer, or Weft is stopping; send it again after Retry-After',
};
const TOO_MANY = { description: 'The caller’s share, or its organisation’s, is used up; send it again after Retry-After' };
const NOT_TAKEN = { description: 'Another content type than is taken here: `detail` says which are' };
const UNREADABLE = { description: 'The body or a parameter cannot be read; one errors[] item a field' };
const TOO_LARGE = { description: 'The body is too large' };

/** What routes have in common: any may find an engine away, and every refusal has one form. Examples go where OpenAPI has them. */
function completed(document: OpenAPIObject): OpenAPIObject {
  document.components = { ...document.components, schemas: { ...document.components?.schemas, Problem: PROBLEM } };
  for (const [path, { get, post, put, delete: remove }] of Object.entries(document.paths)) {
    for (const operation of [get, post, put, remove])
      if (operation !== undefined) complete(operation, /^\/fhir(?:\/|$)/.test(path));
  }
  return document;
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Content = Record<string, { schema?: object; example?: unknown; examples?: object }>;

function complete(operation: Operation, isFhir: boolean): void {
  const { request = {}, answer } = takeExample(operation);
  const refusals = {
    503: UNAVAILABLE,
    ...(operation.security !== undefined && { 429: TOO_MANY }),
    ...(operation.requestBody !== undefined && { 400: UNREADABLE, 413: TOO_LARGE, 415: NOT_TAKEN }),
  };
  const content = isFhir ? OUTCOME : REFUSED;
  const responses = Object.entries({ ...refusals, ...operation.responses } as Operation['responses']);
  const completeOf = (status: string, response: object): object => {
    if (status >= '400') return { ...response, content };
    return status < '300' && status !== '204' && answer !== undefined ? exemplified(response, answer) : response;
  };
  operation.responses = Object.fromEntries(
    responses.map(([status, response]) => [status, completeOf(status, response as object)]),
  ) as Operation['responses'];
  const body = operation.requestBody as { content: Content } | undefined;
  for (const [type, examples] of Object.entries(request)) {
    const named = Object.entries(examples).map(([name, value]) => [name, { value }] as const);
    body!.content[type] = { ...body!.content[type], examples: Object.fromEntries(named) };
  }
}

function takeExample(operation: Operation): ExampleOf {
  const extended = operation as { [EXAMPLE]?: ExampleOf };
  const example = extended[EXAMPLE];
  delete extended[EXAMPLE];
  return example ?? {};
}

function exemplified(response: { content?: Content }, example: unknown): object {
  const content = Object.entries(response.content ?? { 'application/json': {} });
  return { ...response, content: Object.fromEntries(content.map(([type, media]) => [type, { ...media, example }])) };
}
