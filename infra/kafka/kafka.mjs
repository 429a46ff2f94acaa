// npm run kafka -- start|run|stop|status: one Kafka node on this machine, for development.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { answers, launch, NoBroker, prepare, untilItAnswers } from './broker.mjs';

const HELP = `npm run kafka -- start|run|stop|status [options]
  start   starts a node and returns once it answers
  run     the same in the foreground, until interrupted
  stop    ends it cleanly and waits
  status  says whether it runs and answers; exit code 1 when not
  --dir D              its data, log and secrets (default .weft/kafka)
  --port P             default 9092          --controller-port P  default 9093
  --sasl               SCRAM-SHA-512 and ACLs; the secrets are in D/secrets.json
  --user U             with --sasl, when D is new: another user, may be repeated
  --heap 512m          the JVM's -Xmx`;

const options = {
  dir: { type: 'string', default: '.weft/kafka' },
  port: { type: 'string', default: '9092' },
  'controller-port': { type: 'string', default: '9093' },
  sasl: { type: 'boolean', default: false },
  user: { type: 'string', multiple: true, default: [] },
  heap: { type: 'string', default: '512m' },
  help: { type: 'boolean', default: false },
};

/** The id of the node that runs on this directory, if one does: a pid file outlives its process, and pids come again. */
function running(dir) {
  const file = join(dir, 'broker.pid');
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8'));
  try {
    const command = execFileSync('ps', ['-ww', '-p', String(pid), '-o', 'args='], { encoding: 'utf8' });
    return command.includes(join(dir, 'server.properties')) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** The port is the one that the directory's node was last started with. */
const portOf = (dir) =>
  Number(/^listeners=CLIENT:\/\/[^:]+:(\d+)/m.exec(readFileSync(join(dir, 'server.properties'), 'utf8'))[1]);

async function start(dir, values, foreground) {
  const pid = running(dir);
  if (pid) return say(1, `a node runs on ${dir} already (process ${pid})`);
  const port = Number(values.port);
  if (await answers(port)) return say(1, `somebody answers on port ${port} already`);
  await prepare({ dir, port, controllerPort: Number(values['controller-port']), sasl: values.sasl, users: values.user });
  const child = await launch({ dir, heap: values.heap, detached: !foreground, foreground });
  if (foreground) for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill('SIGTERM'));
  await untilItAnswers(port, child, dir);
  say(0, `Kafka answers on 127.0.0.1:${port} (process ${child.pid}, data and log in ${dir})`);
  if (foreground) await new Promise((ended) => child.once('exit', ended));
  else child.unref();
}

async function stop(dir) {
  const pid = running(dir);
  if (!pid) return say(0, `no node runs on ${dir}`);
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 60_000 && running(dir); waited += 200) await sleep(200);
  if (running(dir)) return say(1, `process ${pid} has not ended after a minute`);
  rmSync(join(dir, 'broker.pid'), { force: true });
  say(0, 'stopped');
}

async function status(dir) {
  const pid = running(dir);
  if (!pid) return say(1, `no node runs on ${dir}`);
  const port = portOf(dir);
  const answering = await answers(port);
  say(answering ? 0 : 1, `process ${pid} ${answering ? 'answers' : 'does not answer'} on 127.0.0.1:${port}`);
}

function say(exitCode, text) {
  console.log(text);
  process.exitCode = exitCode;
}

try {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const dir = resolve(values.dir);
  const command = positionals[0];
  if (values.help || !['start', 'run', 'stop', 'status'].includes(command)) say(values.help ? 0 : 2, HELP);
  else if (command === 'stop') await stop(dir);
  else if (command === 'status') await status(dir);
  else await start(dir, values, command === 'run');
} catch (error) {
  const askedWrongly = error instanceof NoBroker || String(error.code).startsWith('ERR_PARSE_ARGS');
  say(askedWrongly ? 2 : 1, error.message);
}
