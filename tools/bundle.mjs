// Puts the programs and what they import into a few files: a process that looks for two thousand does little else for a second.
import { readFile } from 'node:fs/promises';
import { relative, sep } from 'node:path';

/** Native code, or files of their own beside them. None of these imports what is bundled. */
const APART = ['@photostructure/sqlite', 'lz4-napi', 'pino', 'swagger-ui-dist'];

/** What Nest and its adapter use where it is installed. */
const NOT_INSTALLED = [
  ...['@nestjs/microservices', '@nestjs/microservices/*', '@nestjs/platform-express'],
  ...['@nestjs/websockets', '@nestjs/websockets/*', '@fastify/multipart', '@fastify/static', '@fastify/view'],
];

/** Ours find files by the place of their module; of these the names of classes are read, by Nest, by the API's description and in the log. */
const NAMED = /[\\/](apps|libs)[\\/][^\\/]+[\\/]dist[\\/].*\.js$|[\\/]node_modules[\\/](@nestjs|jose)[\\/].*\.js$/;

/**
 * The programs (name to transpiled module) bundled, and the parts that they share, for one directory: as { path, text }. What
 * is imported when it is needed is in parts that are read when they are needed.
 */
export async function bundle(programs, directory) {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: programs,
    outdir: directory,
    chunkNames: 'part-[hash]',
    write: false,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    legalComments: 'none',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
    external: [...APART, ...NOT_INSTALLED],
    // For CommonJS among the packages, which asks for what is apart.
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
    plugins: [{ name: 'as-before', setup: ({ onLoad }) => onLoad({ filter: NAMED }, ({ path }) => asBefore(directory, path)) }],
  });
  return outputFiles;
}

/**
 * A module that asks where it is is told where it was, and a class keeps its name, which the bundle makes one of many. (esbuild
 * would keep every name, of functions too, and pay for it each time that one is made.)
 */
async function asBefore(directory, path) {
  const code = await readFile(path, 'utf8');
  const place = JSON.stringify(relative(directory, path).split(sep).join('/'));
  return {
    contents: code
      .replace(/\bclass (\w+)(?: extends [^{}]+)? \{$/gm, `$& static { Object.defineProperty(this, 'name', { value: '$1' }); }`)
      .replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`),
  };
}
