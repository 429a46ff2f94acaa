// Transpiles every package's src to its dist, and bundles the programs. Types are checked elsewhere (npm run check:types), so
// this takes seconds.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundle } from './bundle.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bundles = join(root, 'dist');
const stamp = join(bundles, '.built');

function packages(groups = ['libs', 'apps', 'test']) {
  return groups.flatMap((group) =>
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
  const means = ['.swcrc', 'package-lock.json', 'tools/build.mjs', 'tools/bundle.mjs'].map((name) => join(root, name));
  return [...means, ...inputs].every((file) => modifiedAt(file) <= built);
}

function modifiedAt(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

/** Builds everything, and notes that it is built; gives the milliseconds that it took. */
export async function buildAll() {
  const started = new Date();
  await Promise.all(packages().map(buildPackage));
  await bundlePrograms();
  writeFileSync(stamp, '');
  // What was saved while the build ran may not be in it.
  utimesSync(stamp, started, started);
  return Date.now() - started.getTime();
}

/** Builds these packages (directories) alone. A bundle would hold them as they were, so that every program is unbundled. */
async function buildOnly(directories) {
  const started = Date.now();
  await Promise.all([...new Set([...directories, ...packages(['apps'])])].map(buildPackage));
  return Date.now() - started;
}

/** A program that is started from its own place finds itself in the bundles. */
async function bundlePrograms() {
  const programs = packages(['apps']).map((directory) => ({
    name: basename(directory),
    main: join(directory, 'dist', 'main.js'),
  }));
  const files = await bundle(Object.fromEntries(programs.map(({ name, main }) => [name, main])), bundles);
  for (const { path, text } of files) put(path, text);
  for (const { name, main } of programs) {
    put(
      main,
      `import '${relative(dirname(main), join(bundles, `${name}.js`))
        .split(sep)
        .join('/')}';\n`,
    );
  }
  removeOthers(bundles, new Set(files.map(({ path }) => path)));
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
  removeOthers(out, made);
}

function removeOthers(out, made) {
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
  console.log(`built in ${await (directories.length > 0 ? buildOnly(directories) : buildAll())} ms`);
}
