// A real Kafka broker without Docker: Apache's own jars from Maven Central, one KRaft node on the loopback address.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dockerEngine } from '../docker-engine.mjs';
import { startContainer } from './container.mjs';
import { scramArguments, secretsOf, serverProperties } from './settings.mjs';

const run = promisify(execFile);
const HERE = dirname(fileURLToPath(import.meta.url));
const JARS = join(HERE, 'target', 'jars');
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 60_000;

/** There is no broker to be had on this machine; `message` says why. */
export class NoBroker extends Error {}

/** Java 17 and Kafka's jars, fetched once; gives the class path. */
export async function install() {
  const version = await run('java', ['-version']).catch(() => {
    throw new NoBroker('there is no Java on the path (Kafka needs 17)');
  });
  const major = Number(/version "(\d+)/.exec(version.stderr)?.[1]);
  if (!(major >= 17)) throw new NoBroker(`Kafka needs Java 17, this is ${version.stderr.split('\n')[0]}`);
  if (existsSync(JARS)) return join(JARS, '*');
  // Into a directory of our own first: two test processes may do this at once, and neither may see half of it.
  const fresh = `jars-${process.pid}`;
  await run('mvn', ['-q', '-B', '-f', join(HERE, 'pom.xml'), 'dependency:copy-dependencies', `-Djars=${fresh}`]).catch(
    (error) => {
      throw new NoBroker(
        error.code === 'ENOENT'
          ? 'there is no Maven on the path to fetch Kafka with'
          : `Maven could not fetch Kafka: ${String(error.stdout || error.message).slice(0, 300)}`,
      );
    },
  );
  try {
    renameSync(join(HERE, 'target', fresh), JARS);
  } catch (error) {
    rmSync(join(HERE, 'target', fresh), { recursive: true, force: true });
    if (!existsSync(JARS)) throw error;
  }
  return join(JARS, '*');
}

/** Writes the settings of a directory, and formats it the first time. Gives the secrets. */
export async function prepare({ dir, port, controllerPort, sasl = false, users = [], settings }) {
  const classPath = await install();
  mkdirSync(dir, { recursive: true });
  const secrets = secretsOf(dir, { sasl, users });
  const file = join(dir, 'server.properties');
  writeFileSync(file, serverProperties({ dir, port, controllerPort, sasl, secrets, extra: settings }), { mode: 0o600 });
  if (!existsSync(join(dir, 'data', 'meta.properties'))) {
    const scram = sasl ? scramArguments(secrets.users) : [];
    const format = ['kafka.tools.StorageTool', 'format', '-t', secrets.clusterId, '-c', file, ...scram];
    await run('java', ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, ...format]);
  }
  return secrets;
}

/** Starts the prepared node; its log goes to broker.log beside its data, or to the terminal. */
export async function launch({ dir, heap = '512m', detached = false, foreground = false }) {
  const log = foreground ? 'inherit' : openSync(join(dir, 'broker.log'), 'a');
  const java = [
    `-Xmx${heap}`,
    '-Djava.awt.headless=true',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
  ];
  const args = [...java, '-cp', await install(), 'kafka.Kafka', join(dir, 'server.properties')];
  const child = spawn('java', args, { stdio: ['ignore', log, log], detached });
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  const pidFile = join(dir, 'broker.pid');
  writeFileSync(pidFile, String(child.pid));
  // The id may be a stranger's next, whom nobody must end who reads it here.
  child.once('exit', () => rmSync(pidFile, { force: true }));
  return child;
}

/** Whether somebody on the port answers Kafka's ApiVersions request, which needs no authentication. */
export function answers(port, host = '127.0.0.1') {
  const body = Buffer.from([0, 18, 0, 0, 0, 0, 0, 1, 0, 4, ...Buffer.from('weft')]);
  const request = Buffer.concat([Buffer.from([0, 0, 0, body.length]), body]);
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const done = (answer) => (socket.destroy(), resolve(answer));
    socket.setTimeout(2000, () => done(false));
    socket.once('connect', () => socket.write(request)).once('data', () => done(true));
    socket.once('error', () => done(false)).once('close', () => done(false));
  });
}

/** Resolves once the node answers; throws with the end of its log when it ends instead. */
export async function untilItAnswers(port, child, dir) {
  const limit = Date.now() + START_LIMIT_MS;
  for (;;) {
    if (await answers(port)) return;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the broker ended at once:\n${endOfLog(dir)}`);
    if (Date.now() > limit) throw new Error(`the broker does not answer after ${START_LIMIT_MS} ms:\n${endOfLog(dir)}`);
    await sleep(100);
  }
}

function endOfLog(dir) {
  const file = join(dir, 'broker.log');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(-15).join('\n') : '';
}

/** Two ports that are free now. */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/**
 * A broker for tests: the one that WEFT_KAFKA_BROKERS names, else a node of our own: a container where a Docker engine
 * answers, else from Maven's jars, in a directory that goes with it. `broker.d.mts` says what comes back. Throws NoBroker when
 * there is none to be had.
 */
export async function startBroker(options = {}) {
  const named = process.env.WEFT_KAFKA_BROKERS;
  if (named && !options.sasl) return namedBroker(named);
  const docker = await dockerEngine();
  if (docker !== null) {
    try {
      return await containerBroker(docker, options);
    } catch (error) {
      process.stderr.write(`Docker could not start Kafka (${error.message}): Maven's jars instead\n`);
    }
  }
  return mavenBroker(options);
}

async function containerBroker(docker, { sasl = false, users = [], port, heap, settings }) {
  const dir = mkdtempSync(join(tmpdir(), 'weft-kafka-'));
  try {
    const [free, controllerPort] = await freePorts(2);
    const at = port ?? free;
    const node = { dir, port: at, controllerPort, sasl, users, heap, settings };
    const { secrets, container, handle } = await startContainer(docker, node);
    const answering = async () => {
      for (let waited = 0; waited < START_LIMIT_MS; waited += 100) {
        if (await answers(at)) return;
        await sleep(100);
      }
      throw new Error(`the container's broker does not answer after ${START_LIMIT_MS} ms`);
    };
    await answering();
    return {
      ...access('docker', at, sasl, secrets),
      kill: () => handle.kill(),
      freeze: () => handle.pause(),
      thaw: () => handle.unpause(),
      restart: async () => {
        if ((await handle.inspect()).State.Running) await handle.stop();
        await handle.start();
        await answering();
      },
      stop: async () => {
        await container.stop();
        rmSync(dir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/** Where it is, and with SASL who may log in. */
const access = (kind, port, sasl, { users }) => ({
  kind,
  brokers: [`127.0.0.1:${port}`],
  ...(sasl ? { admin: { username: 'admin', password: users.admin }, users } : {}),
});

/**
 * Ends the directory's node and removes the directory when this process ends without having stopped it: killed with -9, or by
 * jest, which runs no `exit` listener, and no hook of a file whose tests are all skipped.
 */
function watchOver(dir) {
  const script = 'cat; kill -9 "$(cat "$0/broker.pid")"; until rm -rf "$0"; do sleep 0.1; done';
  const watcher = spawn('sh', ['-c', script, dir], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  watcher.unref();
  watcher.stdin.unref();
  return { dismiss: () => void process.kill(-watcher.pid, 'SIGKILL') };
}

async function mavenBroker({ sasl = false, users = [], port, heap, settings }) {
  const dir = mkdtempSync(join(tmpdir(), 'weft-kafka-'));
  const [free, controllerPort] = await freePorts(2);
  const at = port ?? free;
  const watcher = watchOver(dir);
  let child;
  const start = async () => {
    child = await launch({ dir, heap });
    await untilItAnswers(at, child, dir);
    // Who forgets to stop it can still end.
    child.unref();
  };
  const end = async (signal, limit = STOP_LIMIT_MS) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const late = await Promise.race([ended.then(() => false), sleep(limit, true, { ref: false })]);
    if (!late) return;
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async (signal) => {
    if (child) await end(signal);
    rmSync(dir, { recursive: true, force: true });
    watcher.dismiss();
  };
  try {
    const secrets = await prepare({ dir, port: at, controllerPort, sasl, users, settings });
    await start();
    return {
      ...access('maven', at, sasl, secrets),
      kill: () => end('SIGKILL'),
      freeze: async () => void child.kill('SIGSTOP'),
      thaw: async () => void child.kill('SIGCONT'),
      restart: async () => (await end('SIGTERM'), await start()),
      stop: () => stop('SIGTERM'),
    };
  } catch (error) {
    await stop('SIGKILL');
    throw error;
  }
}

/** The same for test files: says aloud which broker it is, or why there is none. */
export async function brokerOrReason(options) {
  try {
    const broker = await startBroker(options);
    process.stderr.write(`Kafka for these tests: ${broker.kind}, at ${broker.brokers.join(', ')}\n`);
    return { broker };
  } catch (error) {
    if (!(error instanceof NoBroker)) throw error;
    // Not console: jest keeps to itself what a file says whose tests are all skipped.
    process.stderr.write(`No Kafka for these tests: ${error.message}\n`);
    return { reason: error.message };
  }
}

function namedBroker(named) {
  const notOurs = () => {
    throw new NoBroker('a broker named by WEFT_KAFKA_BROKERS is not ours to kill, freeze or restart');
  };
  return {
    kind: 'named',
    brokers: named.split(',').map((broker) => broker.trim()),
    kill: notOurs,
    freeze: notOurs,
    thaw: notOurs,
    restart: notOurs,
    stop: async () => {},
  };
}
