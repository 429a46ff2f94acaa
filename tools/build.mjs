// Transpiles every package's src to its dist. Types are checked elsewhere (npm run check:types), so this takes a second.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
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

function sources(directory) {
  const src = join(directory, 'src');
  let names;
  try {
    names = readdirSync(src, { recursive: true });
  } catch {
    return [];
  }
  return names.filter((name) => /\.ts$/.test(name) && !/\.test\.ts$/.test(name)).map((name) => join(src, name));
}

/** True when no source, nor the build itself, is newer than the last build. */
export function isBuilt() {
  let built;
  try {
    built = statSync(stamp).mtimeMs;
  } catch {
    return false;
  }
  const inputs = [
    join(root, '.swcrc'),
    fileURLToPath(import.meta.url),
    ...packages().flatMap((p) => [join(p, 'src'), ...sources(p)]),
  ];
  return inputs.every((file) => {
    try {
      return statSync(file).mtimeMs <= built;
    } catch {
      return true;
    }
  });
}

export async function build() {
  const started = Date.now();
  const { transformFile } = await import('@swc/core');
  await Promise.all(
    packages().map(async (directory) => {
      const files = sources(directory);
      const out = join(directory, 'dist');
      rmSync(out, { recursive: true, force: true });
      await Promise.all(
        files.map(async (file) => {
          const target = join(out, relative(join(directory, 'src'), file)).replace(/\.ts$/, '.js');
          const { code, map } = await transformFile(file, { configFile: join(root, '.swcrc') });
          mkdirSync(dirname(target), { recursive: true });
          writeFileSync(target, `${code}\n//# sourceMappingURL=${relative(dirname(target), target)}.map\n`);
          writeFileSync(`${target}.map`, map ?? '');
        }),
      );
    }),
  );
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, new Date(started).toISOString());
  return Date.now() - started;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(`built in ${await build()} ms`);
}
