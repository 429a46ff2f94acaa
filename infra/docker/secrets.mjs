// Makes the secrets of the local region in compose.yaml, each once; what is there stays. Needs Node and nothing else:
//
//   node infra/docker/secrets.mjs [directory]
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NAMES = ['region-secret', 'research-secret', 'grafana-password', 'stand-in-secret'];
// What infra/pds opens its inbox to, which is nobody's secret.
const KNOWN = { 'stand-in-secret': 'stand-in-secret' };

const directory = process.argv[2] ?? fileURLToPath(new URL('secrets', import.meta.url));

// Compose mounts the files as they are, and each container reads them as a user of its own: so everybody may read the
// files, and only their owner gets as far as the directory.
mkdirSync(directory, { recursive: true, mode: 0o700 });
for (const name of NAMES) {
  const file = join(directory, name);
  if (existsSync(file)) {
    console.log(`${name}: kept as it is`);
    continue;
  }
  writeFileSync(file, `${KNOWN[name] ?? randomBytes(32).toString('hex')}\n`, { mode: 0o444, flag: 'wx' });
  console.log(`${name}: made`);
}
console.log(`in ${directory}: every record is kept under region-secret and research-secret, so keep them with the data`);
