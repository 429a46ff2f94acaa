import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRegion, loadSettings } from '@weft/service';
import { Authority } from '../../apps/hl7-gateway/src/certificates.fixture.js';
import { admission } from '../../apps/hl7-gateway/src/engine.fixture.js';

const HAPI = fileURLToPath(new URL('./hapi', import.meta.url));
const MAIN = fileURLToPath(new URL('../../apps/hl7-gateway/dist/main.js', import.meta.url));
const PASSWORD = 'changeit';

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const isHere = runs('javac', '-version') && runs('mvn', '--version') && runs('openssl', 'version');
const whereThereIsHapi = isHere ? describe : describe.skip;

whereThereIsHapi('HAPI’s client (needs a JDK 17, Maven and openssl)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-hapi-client-'));
  let gateway: ChildProcess | undefined;
  afterAll(() => {
    gateway?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  it('is answered for each message that it sends over mutual TLS', async () => {
    const authority = new Authority(directory, 'region');
    const { certificateFile, keyFile } = authority.certify('server', '/CN=localhost');
    const pas = authority.certify('pas', '/O=Acute trust/CN=pas');
    const tls = { certificateFile, keyFile, authorityFile: authority.file, subjects: ['O=Acute trust, CN=pas'] };
    const port = await startGateway([{ name: 'pas', organisation: 'RX901', port: 0, tls }]);
    const messages = [
      ...Array.from({ length: 50 }, (_, index) =>
        admission(`H${index}`, { version: ['2.3', '2.4', '2.5.1', '2.8'][index % 4]! }),
      ),
      admission('H50').replace('|P|2.4', '|P|2.4|||AL|NE'),
      admission('H51', { processingId: 'T', version: '2.5' }),
      admission('H52', { text: 'x'.repeat(2_000_000) }),
    ];
    const answers = Array.from({ length: 50 }, (_, index) => `AA:H${index}`);
    expect(sentByHapi(port, messages, pas, authority.file)).toEqual([...answers, 'CA:H50', 'AR:H51', 'AA:H52']);
  }, 300_000);

  async function startGateway(listeners: readonly object[]): Promise<number> {
    const file = join(directory, 'listeners.json');
    writeFileSync(file, JSON.stringify(listeners));
    const settings = { WEFT_DATA_DIR: join(directory, 'data'), WEFT_PORT: '0', WEFT_HL7V2_LISTENERS: file };
    await (await createRegion(loadSettings({ ...settings, WEFT_LOG_LEVEL: 'fatal' }))).close();
    const env = { PATH: process.env['PATH'], ...settings };
    const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    gateway = child;
    let said = '';
    return new Promise((resolve, reject) => {
      child.once('exit', () => reject(new Error(said)));
      child.stderr.on('data', (chunk: Buffer) => {
        said += String(chunk);
        const port = /"listener":"pas","port":(\d+)/.exec(said)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
    });
  }

  function sentByHapi(
    port: number,
    messages: readonly string[],
    own: { certificateFile: string; keyFile: string },
    authority: string,
  ) {
    const at = (name: string): string => join(directory, name);
    const [classpath, input, keys, trusted] = [at('classpath'), at('messages'), at('keys.p12'), at('trusted.p12')];
    const quietly = { stdio: 'ignore' } as const;
    execFileSync('mvn', ['-q', '-B', 'dependency:build-classpath', `-Dmdep.outputFile=${classpath}`], { ...quietly, cwd: HAPI });
    const pair = ['-inkey', own.keyFile, '-in', own.certificateFile, '-out', keys, '-passout', `pass:${PASSWORD}`];
    execFileSync('openssl', ['pkcs12', '-export', ...pair], quietly);
    const trust = ['-noprompt', '-file', authority, '-keystore', trusted, '-storepass', PASSWORD, '-storetype', 'PKCS12'];
    execFileSync('keytool', ['-importcert', ...trust], quietly);
    writeFileSync(input, messages.map((message) => `${Buffer.from(message).toString('base64')}\n`).join(''));
    const stores = [
      ...[`-Djavax.net.ssl.keyStore=${keys}`, `-Djavax.net.ssl.keyStorePassword=${PASSWORD}`],
      ...[`-Djavax.net.ssl.trustStore=${trusted}`, `-Djavax.net.ssl.trustStorePassword=${PASSWORD}`],
    ];
    const program = ['-cp', readFileSync(classpath, 'utf8'), join(HAPI, 'Send.java'), String(port), input];
    const printed = execFileSync('java', [...stores, ...program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return printed.trim().split('\n');
  }
});
