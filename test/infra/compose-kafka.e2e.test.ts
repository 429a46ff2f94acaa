import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install, NoBroker } from '../../infra/kafka/broker.mjs';
import { textOf, yamlOf } from './files.js';

const found = await install().then(
  (classPath) => ({ classPath }),
  (error: unknown) => {
    if (error instanceof NoBroker) return { reason: error.message };
    throw error;
  },
);

if ('reason' in found) {
  it.skip(`the settings of Kafka's container: no Kafka, ${found.reason}`, () => {});
} else {
  const { classPath } = found;
  const { image, environment } = yamlOf<{
    readonly services: { readonly kafka: { readonly image: string; readonly environment: Readonly<Record<string, string>> } };
  }>('infra/docker/compose.yaml').services.kafka;
  const java = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync('java', ['-cp', classPath, ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
      maxBuffer: 16 * 1024 * 1024,
    });
  /** What the image takes for its scripts and not for the broker. */
  const OF_THE_SCRIPTS = ['KAFKA_HEAP_OPTS'];
  const settings = Object.keys(environment).filter((name) => name.startsWith('KAFKA_') && !OF_THE_SCRIPTS.includes(name));
  const property = (name: string): string => name.replace('KAFKA_', '').toLowerCase().replaceAll('_', '.');

  describe('the settings of Kafka’s container', () => {
    let directory: string;
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'weft-compose-kafka-'));
    });
    afterAll(() => rmSync(directory, { recursive: true }));

    it('are for the version that the tests run on', () => {
      expect(textOf('infra/kafka/pom.xml')).toContain(`<version>${image.split(':')[1]}</version>`);
    });

    it('are each one that the broker knows', () => {
      const { status, stdout } = java(['kafka.server.KafkaConfig']);
      expect(status).toBe(0);
      const known = new Set([...stdout.matchAll(/brokerconfigs_([a-z.]+)/g)].map(([, name]) => name!));
      expect(settings.map(property).filter((name) => !known.has(name))).toEqual([]);
    });

    it('let the image’s own entry point write its configuration and format its disk', () => {
      const made = (name: string): string => mkdirSync(join(directory, name), { recursive: true })!;
      const [defaults, mounted, final, data] = [made('defaults'), made('mounted'), made('final'), made('data')];
      writeFileSync(join(defaults, 'server.properties'), '');
      const logging = 'Configuration: { Appenders: {}, Loggers: { Root: { level: INFO } } }\n';
      for (const name of ['log4j2.yaml', 'tools-log4j2.yaml']) writeFileSync(join(defaults, name), logging);
      const dirs = ['--default-configs-dir', defaults, '--mounted-configs-dir', mounted, '--final-configs-dir', final];
      // The image has a cluster id of its own; the disk is the only thing that is elsewhere here.
      const env = { ...environment, CLUSTER_ID: '5L6g3nShT-eMCtK--X86sw', KAFKA_LOG_DIRS: data };
      const { status, stdout, stderr } = java(['kafka.docker.KafkaDockerWrapper', 'setup', ...dirs], env);
      expect({ status, output: status === 0 ? '' : `${stdout}${stderr}` }).toEqual({ status: 0, output: '' });
      const written = readFileSync(join(final, 'server.properties'), 'utf8');
      for (const name of settings.filter((one) => one !== 'KAFKA_LOG_DIRS')) {
        expect(written).toContain(`${property(name)}=${environment[name]}`);
      }
      expect(existsSync(join(data, 'meta.properties'))).toBe(true);
    });
  });
}
