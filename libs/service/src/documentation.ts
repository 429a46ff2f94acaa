import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

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
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config), { ui: false });

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
