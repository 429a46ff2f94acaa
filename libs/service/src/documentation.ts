import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { PROBLEM_JSON } from './problem.js';

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Weft: its interface</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body>
</html>
`;
const START = "SwaggerUIBundle({ url: '/docs-json', dom_id: '#swagger-ui', deepLinking: true });\n";

/**
 * The OpenAPI document at /docs-json (and /docs-yaml), for people at /docs. The page is ours and its scripts are files, so that
 * the content policy needs no inline script, and no plugin is needed to serve three files.
 */
export function serveDocumentation(app: NestFastifyApplication, description: string): void {
  const config = new DocumentBuilder().setTitle('Weft').setDescription(description).setVersion('1').addBearerAuth().build();
  SwaggerModule.setup('docs', app, () => withRefusals(SwaggerModule.createDocument(app, config)), { ui: false });

  const server = app.getHttpAdapter().getInstance();
  const installed = createRequire(import.meta.url);
  const file = (name: string): Buffer => readFileSync(installed.resolve(`swagger-ui-dist/${name}`));
  const serve = (path: string, type: string, content: () => string | Buffer): void => {
    server.get(path, (_, reply) => reply.type(type).send(content()));
  };
  serve('/docs', 'text/html; charset=utf-8', () => PAGE);
  serve('/docs/start.js', 'text/javascript; charset=utf-8', () => START);
  serve('/docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8', () => file('swagger-ui-bundle.js'));
  serve('/docs/swagger-ui.css', 'text/css; charset=utf-8', () => file('swagger-ui.css'));
}

const text = (description: string) => ({ type: 'string', description });

const PROBLEM = {
  type: 'object',
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
const UNAVAILABLE = { description: 'An engine or the token issuer does not answer; send it again after Retry-After' };

/** What all routes that need a token have in common: any may find an engine away, and every refusal has one form. */
function withRefusals(document: OpenAPIObject): OpenAPIObject {
  document.components = { ...document.components, schemas: { ...document.components?.schemas, Problem: PROBLEM } };
  for (const [path, { get, post }] of Object.entries(document.paths)) {
    for (const operation of [get, post]) {
      if (operation?.security === undefined) continue;
      const responses = { 503: UNAVAILABLE, ...operation.responses };
      const content = path.startsWith('/fhir/') ? OUTCOME : REFUSED;
      operation.responses = Object.fromEntries(
        Object.entries(responses).map(([status, response]) => [status, status < '400' ? response : { ...response, content }]),
      );
    }
  }
  return document;
}
