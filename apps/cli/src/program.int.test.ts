import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from './failure.js';
import { runWeft } from './weft.fixture.js';

const directory = mkdtempSync(join(tmpdir(), 'weft-cli-'));
const servers: Server[] = [];
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed)))));

/** A command line on the data directory of these tests. */
const weft = (line: string, env: Record<string, string> = {}, tty = false) =>
  runWeft(line, { WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent', ...env }, tty);

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** Something that answers like Weft, as far as one test needs it. */
async function listening(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, response, Buffer.concat(chunks).toString('utf8')));
  });
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const send = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers }).end(JSON.stringify(body));
};

const nobody = 'http://127.0.0.1:9';

describe('the weft command', () => {
  it('teaches with examples and says what exit codes mean', async () => {
    const { out, exitCode } = await weft('--help');
    expect(exitCode).toBe(EXIT.ok);
    expect(out).toContain('Exit codes:');
    for (const command of [
      'up',
      'publish',
      'record',
      'explain',
      'opt-out',
      'subscribe',
      'replay',
      'verify',
      'status',
      'policy',
    ]) {
      expect((await weft(`${command} --help`)).out).toContain(`$ weft ${command}`);
    }
  });

  it.each([
    ['record', /missing required argument/],
    ['record 9990000019', /check digit/],
    ['record 9990000018 --purpose marketing', /direct-care/],
    ['publish x.json', /--org/],
    ['opt-out 9990000018', /--purpose/],
    ['opt-out 9990000018 --purpose research --from 2026-02-01 --until 2026-01-01', /before it begins/],
    ['explain 9990000018 --at yesterday', /2026-01-31/],
    ['token --role publisher', /--org/],
    ['publish missing.json --org RX901', /there is no file missing.json/],
    ['replai', /unknown command/],
    ['topics', /WEFT_KAFKA_BROKERS/],
    ['up --demo 0', /1 to/],
    ['subscribe research --from-beginning --after 1', /exclude/],
  ])('ends with 2 for the wrong usage %s', async (line, message) => {
    const { err, exitCode } = await weft(line);
    expect(err).toMatch(message);
    expect(exitCode).toBe(EXIT.usage);
  });

  it('says wrong usage to machines too, and repeats no number that it was given', async () => {
    const { out, err, exitCode } = await weft('record 9990000019 --json');
    expect(exitCode).toBe(EXIT.usage);
    expect(JSON.parse(out)).toEqual({ error: expect.stringContaining('check digit'), exitCode: EXIT.usage });
    expect(out + err).not.toContain('9990000019');
  });

  it('says which Weft it is', async () => {
    expect(await weft('--version')).toMatchObject({ out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), exitCode: EXIT.ok });
  });

  it('takes a number as it is printed, in three words', async () => {
    const asked: unknown[] = [];
    const url = await listening((request, response) => {
      asked.push(request.url);
      send(response, 404, {});
    });
    await weft('record 999 000 0018', { WEFT_URL: url });
    expect(asked).toEqual(['/records/9990000018?purpose=direct-care']);
  });

  it('ends with 2 for settings that cannot be used, and names each', async () => {
    const { err, exitCode } = await weft('status', { WEFT_PORT: 'x', WEFT_KAFKA_BROKER: 'y' });
    expect(exitCode).toBe(EXIT.usage);
    expect(err).toContain('WEFT_PORT');
    expect(err).toContain('WEFT_KAFKA_BROKER');
  });

  it('ends with 3 where no Weft answers, says where it looked, and leaves no data directory behind', async () => {
    const parent = mkdtempSync(join(directory, 'fresh-'));
    const events = join(directory, 'one.ndjson');
    writeFileSync(events, '{"specversion":"1.0"}');
    for (const line of ['record 9990000018', 'status', `publish ${events} --org RX901`]) {
      const { err, exitCode } = await weft(line, { WEFT_URL: nobody, WEFT_DATA_DIR: join(parent, 'data') });
      expect(exitCode).toBe(EXIT.unreachable);
      expect(err).toContain(nobody);
    }
    for (const line of ['verify', 'replay research']) {
      expect((await weft(line, { WEFT_DATA_DIR: join(parent, 'data') })).exitCode).toBe(EXIT.unreachable);
    }
    expect(readdirSync(parent)).toEqual([]);
  });

  it('says a refusal with every field and never with a stack', async () => {
    const problem = { title: 'Not so', detail: 'Because.', errors: [{ field: 'a.b', code: 'c', message: 'is wrong' }] };
    const url = await listening((_, response) => send(response, 400, problem));
    const { err, out, exitCode } = await weft('record 9990000018', { WEFT_URL: url });
    expect(exitCode).toBe(EXIT.finding);
    expect(err).toContain('Not so (400): Because.\n  a.b: is wrong');
    expect(err).not.toContain('at ');
    expect(out).toBe('');
    const forMachines = await weft('record 9990000018 --json', { WEFT_URL: url });
    expect(JSON.parse(forMachines.out)).toMatchObject({
      exitCode: EXIT.finding,
      error: expect.stringContaining('a.b: is wrong'),
    });
  });

  it('speaks as the role that the purpose needs, or with the token it is given', async () => {
    const tokens: string[] = [];
    const url = await listening((request, response) => {
      tokens.push(request.headers.authorization ?? '');
      send(response, 404, {});
    });
    const rolesOf = (token = ''): unknown =>
      (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { roles: unknown }).roles;
    await weft('record 9990000018', { WEFT_URL: url });
    await weft('record 9990000018 --purpose research', { WEFT_URL: url });
    await weft('record 9990000018', { WEFT_URL: url, WEFT_TOKEN: 'mine' });
    expect([rolesOf(tokens[0]), rolesOf(tokens[1]), tokens[2]]).toEqual([['clinician'], ['governance'], 'Bearer mine']);
  });

  it('colours for a person, and never against NO_COLOR or into a pipe', async () => {
    const url = await listening((_, response) =>
      send(response, 200, {
        purpose: 'research',
        policyVersion: 1,
        recordRevision: 0,
        consentRevision: 0,
        entries: [],
        withheld: 2,
      }),
    );
    const coloured = (text: string): boolean => text.includes('\x1b[');
    const shown = async (env: Record<string, string>, tty: boolean) =>
      (await weft('record 9990000018', { WEFT_URL: url, ...env }, tty)).out;
    expect(coloured(await shown({}, true))).toBe(true);
    expect(coloured(await shown({ NO_COLOR: '1' }, true))).toBe(false);
    expect(coloured(await shown({}, false))).toBe(false);
  });
});

describe('weft publish', () => {
  const events = (...ids: string[]): string => ids.map((id) => JSON.stringify({ specversion: '1.0', id })).join('\n');
  const path = join(directory, 'events.ndjson');

  it('counts what was accepted, and says of each refusal where it stands and why', async () => {
    writeFileSync(path, `${events('a', 'b')}\nbroken\n`);
    const url = await listening((_, response) =>
      send(response, 202, {
        accepted: 1,
        refused: 1,
        items: [{ entry: 0 }, { entry: 1, errors: [{ field: 'time', code: 'required', message: 'is required' }] }],
      }),
    );
    const { out, exitCode } = await weft(`publish ${path} --org RX901`, { WEFT_URL: url });
    expect(exitCode).toBe(EXIT.finding);
    expect(out).toContain(`${path}:2\n    time: is required`);
    expect(out).toContain(`${path}:3\n    this is not JSON at character 0`);
    expect(out).toContain('1 event accepted and durable, 2 refused');
    const lines = (await weft(`publish ${path} --org RX901 --json`, { WEFT_URL: url })).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { refused: { file: path, line: 3 }, errors: [expect.objectContaining({ code: 'not-json' })] },
      { refused: { file: path, line: 2 }, errors: [expect.objectContaining({ field: 'time' })] },
      { accepted: 1, refused: 2 },
    ]);
  });

  it('sends again what a busy Weft did not take', async () => {
    writeFileSync(path, events('a'));
    const bodies: string[] = [];
    const url = await listening((_, response, body) => {
      bodies.push(body);
      if (bodies.length < 3) send(response, 503, { title: 'busy' }, { 'retry-after': '0' });
      else send(response, 202, { accepted: 1, refused: 0, items: [{ entry: 0 }] });
    });
    const { out, exitCode } = await weft(`publish ${path} --org RX901`, { WEFT_URL: url });
    expect(exitCode).toBe(EXIT.ok);
    expect(out).toContain('1 event accepted');
    expect(bodies).toEqual(Array.from({ length: 3 }, () => '[{"specversion":"1.0","id":"a"}]'));
  });

  it('counts every item of a request that was refused as a whole', async () => {
    writeFileSync(path, events('a', 'b'));
    const answers = [
      {
        title: 'Nothing of it was accepted',
        items: [0, 1].map((entry) => ({ entry, errors: [{ field: 'x', code: 'y', message: 'z' }] })),
      },
      { title: 'too large', errors: [{ field: 'body', code: 'too-large', message: 'is too large' }] },
    ];
    const url = await listening((_, response) => send(response, 422, answers.shift()));
    for (const reason of ['x: z', 'body: is too large']) {
      const { out, exitCode } = await weft(`publish ${path} --org RX901`, { WEFT_URL: url });
      expect(out.split(reason).length - 1).toBe(2);
      expect(out).toContain('0 events accepted and durable, 2 refused');
      expect(exitCode).toBe(EXIT.finding);
    }
  });

  it('stops at once where nothing will ever be accepted', async () => {
    writeFileSync(path, events('a'));
    const url = await listening((_, response) => send(response, 403, { title: 'Your roles do not allow this' }));
    const { err, exitCode } = await weft(`publish ${path} ${path} --org RX901`, { WEFT_URL: url });
    expect(err).toContain('Your roles do not allow this (403)');
    expect(exitCode).toBe(EXIT.finding);
  });
});
