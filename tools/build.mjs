// Transpiles every package's src to its dist. Types are checked elsewhere (npm run check:types), so this takes a second.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist', '.built');

function packages() {
  return ['libs', 'apps', 'test'].flatMap((group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(root, group, entry.name)),
  );
}

function filesBelow(directory) {
  try {
    return readdirSync(directory, { recursive: true });
  } catch {
    return [];
  }
}

const isSource = (name) => name.endsWith('.ts') && !/\.(test|fixture|d)\.ts$/.test(name);

/** True when no source, nor the build itself, is newer than the last build. */
export function isBuilt() {
  let built;
  try {
    built = statSync(stamp).mtimeMs;
  } catch {
    return false;
  }
  const inputs = packages().flatMap((directory) => {
    const src = join(directory, 'src');
    return [src, ...filesBelow(src).map((name) => join(src, name))];
  });
  return [join(root, '.swcrc'), fileURLToPath(import.meta.url), ...inputs].every((file) => modifiedAt(file) <= built);
}

function modifiedAt(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

/** Builds these packages (directories), or all of them; gives the milliseconds that it took. */
export async function build(directories = packages()) {
  const started = Date.now();
  await Promise.all(directories.map(buildPackage));
  return Date.now() - started;
}

/** Builds everything, and notes that it is built. */
export async function buildAll() {
  const started = new Date();
  const took = await build();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
  // What was saved while the build ran may not be in it.
  utimesSync(stamp, started, started);
  return took;
}

async function buildPackage(directory) {
  const { transformFile } = await import('@swc/core');
  const src = join(directory, 'src');
  const out = join(directory, 'dist');
  const made = new Set();
  await Promise.all(
    filesBelow(src)
      .filter(isSource)
      .map(async (name) => {
        const target = join(out, name.replace(/\.ts$/, '.js'));
        const { code, map } = await transformFile(join(src, name), { configFile: join(root, '.swcrc') });
        made.add(target).add(`${target}.map`);
        put(target, `${code}\n//# sourceMappingURL=${relative(dirname(target), target)}.map\n`);
        put(`${target}.map`, map ?? '');
      }),
  );
  for (const name of filesBelow(out)) {
    const file = join(out, name);
    if (/\.js(\.map)?$/.test(name) && !made.has(file)) rmSync(file, { force: true });
  }
}

/** A process that runs from dist meanwhile must never import half a file, so each appears at once, and only when it changed. */
function put(file, text) {
  try {
    if (readFileSync(file, 'utf8') === text) return;
  } catch {
    mkdirSync(dirname(file), { recursive: true });
  }
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, text);
  renameSync(fresh, file);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const directories = process.argv.slice(2).map((directory) => resolve(directory));
  console.log(`built in ${await (directories.length > 0 ? build(directories) : buildAll())} ms`);
}
