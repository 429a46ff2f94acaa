import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineUnavailable } from '@weft/processing';
import { EXIT, failureAt, failureOf } from './failure.js';
import { listening, send } from './server.fixture.js';
import { runWeft } from './weft.fixture.js';

const directory = mkdtempSync(join(tmpdir(), 'weft-every-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const weft = (line: string, env: Record<string, string> = {}, tty = false, input: readonly string[] = []) =>
  runWeft(line, { WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent', ...env }, tty, input);

describe('--help', () => {
  it.each([
    ...['up', 'topics', 'token', 'publish', 'record', 'subscribe', 'explain', 'audit', 'opt-out', 'opt-in', 'policy', 'status'],
    ...['verify', 'replay', 'quarantine', 'quarantine list', 'quarantine show', 'quarantine redrive', 'quarantine mend'],
    ...['quarantine approve', 'policy show', 'policy plan', 'policy adopt', 'policy authorise', 'policy proposals'],
    ...['policy versions', 'policy codes', 're-identify', 're-identify list', 're-identify propose', 're-identify authorise'],
    ...['re-identify disclose', 'region', 'region show', 'region create', 'region change-secret'],
    ...['organisations', 'organisations show', 'organisations add', 'organisations suspend', 'organisations reinstate'],
    ...['streams', 'hl7v2', 'hl7v2 try', 'hl7v2 plan', 'hl7v2 send', 'hl7v2 reread'],
    ...['reconcile', 'reconcile statements', 'reconcile verify'],
  ])('of %s teaches with an example', async (command) => {
    const { out, exitCode } = await weft(`${command} --help`);
    expect(out).toContain(`weft ${command}`);
    expect(out).toMatch(new RegExp(`Examples:\\n(.*\\n)*? *\\$ (WEFT_\\S+ )*weft ${command}`));
    expect(exitCode).toBe(EXIT.ok);
  });
});

describe('an NHS number', () => {
  it.each([
    'record -',
    'explain -',
    'audit -',
    'opt-out - --purpose research',
    'opt-in - --purpose research',
    'record --purpose research -',
    're-identify propose - --purpose research --reason left',
    're-identify authorise x -',
    're-identify disclose x -',
  ])('is read from standard input by %s', async (line) => {
    const asked: string[] = [];
    const WEFT_URL = await listening(({ url = '' }, response, body) => {
      asked.push(url + body);
      send(response, 404, {});
    });
    await weft(line, { WEFT_URL }, false, ['9990000018\n']);
    expect(asked.join()).toContain('9990000018');
  });
});

describe('what a terminal would obey', () => {
  const text = 'a\u001b[2J\u009b31m\u202eb\r\nc\u0007';
  const time = '2026-01-31T09:30:00Z';
  const problems = [{ field: text, code: text, message: text }];
  const resource = { resourceType: text, status: text, code: { text }, valueQuantity: { value: 1, unit: text } };
  const entry = { id: text, resourceType: text, organisation: text, occurredAt: text, recordedAt: text, resource, about: text };
  const person = { subject: text, organisation: text };
  const decision = { id: text, authority: text, effect: 'deny', decidedAt: text, decidedBy: text };
  const explanation = { purpose: 'research', included: false, rule: text, decision, plainEnglish: text };
  const limits = [
    { kind: 'recorded-by', organisations: [text] },
    { kind: 'unread', field: text },
    { kind: 'classes', codes: [{ code: text }] },
  ];
  const known = { ...decision, status: 'active', recorder: { ...person, as: text }, consentId: text, recordedAt: time };
  const provision = { effect: 'deny', purposes: ['research'], limits, provisions: [] };
  const nothing = { opened: { people: 1, entries: 1 }, closed: { people: 0, entries: 0 } };
  const told = { ...nothing, subscribers: [{ ...person, ...nothing, lastBegan: time }] };
  const purposes = { 'direct-care': told, 'care-coordination': told, 'population-health': told, research: told };
  const plan = { inForce: 1, plannedAt: time, people: 1, opens: true, openings: [text], purposes };
  const proposal = {
    ...{ id: text, state: text, name: text, reason: text, proposedBy: person, proposedAt: text, authorisedBy: person },
    ...{ version: 1, plan },
  };
  const rules = [{ id: text, purposes: ['research'], when: { codes: [text] }, effect: 'permit', plainEnglish: text }];
  const quarantined = {
    ...{ id: text, quarantinedAt: time, problems, bytes: 1, from: { topic: text, partition: 0, offset: 0 }, redrives: text },
    ...{ mend: { text, digest: text, proposedBy: person, reason: text }, key: text, headers: {}, text },
  };
  const audited = { time, who: text, organisation: text, action: text, purpose: text, outcome: text };
  const status = {
    ...{
      version: text,
      region: text,
      policyVersion: 1,
      settingsDiffer: true,
      organisationsDiffer: [text],
      codesDiffer: true,
      lag: 1,
      published: false,
      findings: [{ code: text, text, mend: text }],
      recordsToReview: { people: 1, organisations: { [text]: 1 } },
      versions: { [text]: { setAside: 1, disagreeing: 1 } },
      hl7v2Waiting: { [text]: { messages: 1, reasons: { [text]: 1 }, since: text } },
    },
    ...{ groups: [{ group: text, topic: text, lag: 1 }], topics: [{ topic: text, partitions: [{ low: 0, high: 1 }] }] },
    counts: { records: 1, views: 4, quarantined: 1 },
  };
  const decided = { id: text, state: 'obeyed', standing: true, since: null, until: text, warnings: problems };
  const record = { purpose: text, policyVersion: 1, version: text, entries: [entry], notice: text, withheld: 1 };
  const tallied = { sent: 1, arrived: 1, missing: 1, doubled: 1, refused: 1, waiting: 1, unlisted: 1 };
  const events = join(directory, 'events.ndjson');

  it.each<[line: string, answer: object]>([
    ['record 9990000018', record],
    ['record 9990000018 --all', record],
    [
      'explain 9990000018',
      {
        at: text,
        policyName: text,
        policyVersion: 1,
        decisions: [{ ...known, provision, standsFor: [text] }],
        setAside: [{ entry: text, recordedAt: time, plainEnglish: text }],
        corrected: [{ entry: text, plainEnglish: text }],
        entries: [{ ...entry, purposes: [explanation] }],
        movedTo: text,
      },
    ],
    ['audit 9990000018', { from: text, to: text, entries: [audited], next: null, note: text }],
    ['opt-out 9990000018 --purpose research', decided],
    ['quarantine list', [quarantined]],
    ['quarantine show x', quarantined],
    ['quarantine show x --mended', quarantined],
    ['quarantine redrive x', { topic: text, partition: 0, offset: 0 }],
    ['quarantine approve x --digest y', { topic: text, partition: 0, offset: 0 }],
    [
      'policy show',
      {
        version: 1,
        name: text,
        adoptedAt: text,
        rules,
        organisations: {},
        settingsDiffer: true,
        organisationsDiffer: [text],
        codesDiffer: true,
      },
    ],
    [
      'organisations',
      [
        {
          ods: text,
          name: text,
          kind: text,
          added: { by: person, reason: text, at: time },
          suspended: null,
          reinstatement: null,
        },
      ],
    ],
    ['policy proposals', [proposal]],
    ['reconcile statements --org RX901', [{ statement: { comparedAt: text, kind: text, from: text, counts: tallied } }]],
    ['re-identify', [{ ...proposal, purpose: text, known: text, disclosedTo: person }]],
    ['re-identify propose 9990000018 --purpose research --reason left', { id: text, known: 'pseudonym' }],
    ['re-identify authorise x 9990000018', { known: text, expiresAt: text }],
    [
      're-identify disclose x --pseudonym y',
      { state: 'disclosed', purpose: text, nhsNumber: text, pseudonym: text, formerPseudonyms: [text] },
    ],
    ['policy versions', [{ ...proposal, adoptedAt: text, applied: true, by: null }]],
    ['status', { ...status, status: 'not-ready', checks: { [text]: text } }],
    [`publish ${events} --org RX901`, { accepted: 0, refused: 1, items: [{ entry: 0, errors: problems }] }],
    ['subscribe research', { kind: 'included', key: text, subject: text, entry: { ...entry } }],
  ])('is shown and not obeyed by %s, on a terminal and in a pipe', async (line, answer) => {
    writeFileSync(events, '{"specversion":"1.0"}');
    let feeds = 0;
    const WEFT_URL = await listening(({ url = '', method }, response) => {
      if (!url.startsWith('/record-changes')) return send(response, 200, answer);
      if (method === 'HEAD') return void response.writeHead(200).end();
      if ((feeds += 1) % 2 === 0) return send(response, 403, { title: text, detail: text, errors: problems });
      response.writeHead(200).end(`${JSON.stringify(answer)}\n\n{"kind":"ended","reason":"stopping"}\n`);
    });
    for (const tty of [true, false]) {
      const { out, err } = await weft(line, { WEFT_URL, WEFT_TOKEN: 'given' }, tty);
      const isRaw = line.startsWith('quarantine show') && !tty;
      expect(out + err).not.toContain('unexpected');
      expect(out + err).toContain('a\\u001b[2J\\u009b31m\\u202e');
      // What is no terminal is given a message as it came.
      const said = isRaw ? err : out + err;
      // eslint-disable-next-line no-control-regex
      expect(said).not.toMatch(/\u001b\[2J|\u009b|\u202e|b\r|\u0007/);
    }
  });

  it('begins no line that looks like one of Weft’s own', async () => {
    const forged = {
      ...record,
      notice: undefined,
      entries: [{ ...entry, resource: { ...resource, code: { text: 'x\n✓ all is well' } } }],
    };
    const WEFT_URL = await listening((_, response) => send(response, 200, { ...forged, movedTo: null }));
    expect((await weft('record 9990000018', { WEFT_URL })).out).not.toMatch(/^✓/m);
  });
});

describe('a hint', () => {
  const problem = { title: 'No' };
  const asked = async (status: number, env: Record<string, string> = {}, headers: Record<string, string> = {}) => {
    const WEFT_URL = await listening((_, response) => send(response, status, problem, headers));
    return (await weft('record 9990000018', { WEFT_URL, ...env })).err;
  };

  it.each([
    [401, {}, 'is WEFT_DATA_DIR the data directory of the Weft that answers?'],
    [401, { WEFT_TOKEN: 'x' }, 'put a token that is good into WEFT_TOKEN'],
    [401, { WEFT_DATA_DIR: join(directory, 'nowhere') }, `no data directory at ${join(directory, 'nowhere')}`],
    [403, {}, 'it was asked for Y90001: --org names another organisation'],
    [403, { WEFT_TOKEN: 'x' }, 'this needs one with the role clinician'],
    [429, {}, 'wait 7 s, then run it again; the limits are WEFT_LIMIT_'],
    [500, {}, 'the log of the Weft that answers says why'],
    [503, {}, 'wait 7 s, then run it again; `weft status` says what is not ready'],
  ])('says what to do about %s (%j)', async (status, env, hint) => {
    mkdirSync(join(directory, 'keys'), { recursive: true, mode: 0o700 });
    expect(await asked(status, env, { 'retry-after': '7' })).toContain(hint);
  });

  it('tells what is not Weft from Weft', async () => {
    for (const status of [200, 404, 502]) {
      const WEFT_URL = await listening((_, response) => void response.writeHead(status).end('<html>Welcome</html>'));
      const { err, exitCode } = await weft('record 9990000018', { WEFT_URL });
      expect(err).toContain(`what answers at ${WEFT_URL} is not Weft`);
      expect(exitCode).toBe(EXIT.unreachable);
    }
  });

  it.each([
    ['http://127.0.0.1:18999', /ECONNREFUSED\)\n→ start it with `weft up`/],
    ['http://weft.invalid', /(ENOTFOUND|EAI_AGAIN)\)\n→ (no machine of that name is known|names cannot be looked up)/],
  ])('says why %s does not answer', async (WEFT_URL, message) =>
    expect((await weft('record 9990000018', { WEFT_URL })).err).toMatch(message),
  );

  it('looks for Weft where WEFT_PORT has it listen', async () => {
    const url = await listening((_, response) => send(response, 404, { title: 'Here' }));
    expect((await weft('record 9990000018', { WEFT_PORT: new URL(url).port })).err).toContain('Here (404)');
  });

  const system = (code: string) => Object.assign(new Error(`${code}: x`), { code, path: '/a/file' });

  it.each([
    ['EACCES', EXIT.usage, 'this user may not'],
    ['EROFS', EXIT.usage, 'read-only'],
    ['ENOENT', EXIT.usage, 'it is not there'],
    ['ENOSPC', EXIT.unreachable, 'the disk is full'],
    ['EMFILE', EXIT.unreachable, 'ulimit'],
    ['EADDRINUSE', EXIT.usage, 'another process has the address'],
  ])('fits the code that the system gives: %s', (code, exitCode, hint) => {
    const advice = expect.stringContaining(hint);
    expect(failureAt(system(code))).toMatchObject({ exitCode, advice, message: `/a/file cannot be used (${code})` });
    expect(failureOf(system(code))).toMatchObject({ exitCode, advice });
    // An engine wraps what the system said, and so does SQLite.
    expect(failureOf(new EngineUnavailable('bus', 'away', { cause: system(code) }))).toMatchObject({ advice });
  });

  it.each([
    [13, 'the disk is full'],
    [8, 'this user may not'],
    [5, 'is the engine running'],
  ])('fits what SQLite answers: %s', (errcode, hint) => {
    const error = new EngineUnavailable('bus', 'away', { cause: { errcode } });
    expect(failureOf(error)).toMatchObject({ advice: expect.stringContaining(hint) });
  });

  it('of a data directory that cannot be is never to stop somebody', async () => {
    const file = join(directory, 'a-file');
    writeFileSync(file, '');
    const { err, exitCode } = await weft('up --port 0', { WEFT_DATA_DIR: join(file, 'data') });
    expect(err).toContain('cannot be used (ENOTDIR)\n→ a part of the path is a file');
    expect(exitCode).toBe(EXIT.usage);
  });

  it('of keys that cannot be there is about the data directory, not about stopping or starting', async () => {
    const data = mkdtempSync(join(directory, 'data-'));
    writeFileSync(join(data, 'keys'), '');
    const { err, exitCode } = await weft('record 9990000018', { WEFT_DATA_DIR: data });
    expect(err).toMatch(/token-key.json can be neither read nor made there \(ENOTDIR\)\n→ a part of the path is a file/);
    expect(exitCode).toBe(EXIT.usage);
  });

  it.each([
    ['policy adopt nowhere.json --check', /there is no file nowhere.json/],
    ['quarantine mend x --file nowhere.json --reason y', /there is no file nowhere.json/],
    [`policy adopt ${directory} --check`, /EISDIR\)\n→ it is a directory where a file is wanted/],
    [`quarantine mend x --file ${directory} --reason y`, /EISDIR\)\n→ it is a directory where a file is wanted/],
    [`record @${directory}`, /EISDIR\)\n→ it is a directory where a file is wanted/],
  ])('says what is wrong with a file: %s', async (line, message) => {
    mkdirSync(directory, { recursive: true });
    const { err, exitCode } = await weft(line);
    expect(err).toMatch(message);
    expect(exitCode).toBe(EXIT.usage);
  });
});

describe('a long record', () => {
  const entries = Array.from({ length: 8_014 }, (_, index) => ({
    ...{ id: `RX901/Basic/n${index}`, resourceType: 'Basic', organisation: 'RX901', occurredAt: null },
    resource: { resourceType: 'Basic' },
  }));
  const answering = () =>
    listening((_, response) => send(response, 200, { purpose: 'direct-care', policyVersion: 1, version: '0', entries }));

  it('shows the latest entries, says how many more there are, and how to see them', async () => {
    const WEFT_URL = await answering();
    const { out } = await weft('record 9990000018', { WEFT_URL });
    expect(out.match(/RX901\/Basic\/n\d+/g)).toEqual(entries.slice(-100).map(({ id }) => id));
    expect(out).toContain('8,014 entries\n');
    expect(out).toContain('7,914 earlier entries are not shown: --all shows every one');
  });

  it('shows all to whoever asks for all, and to machines', async () => {
    const WEFT_URL = await answering();
    expect((await weft('record 9990000018 --all', { WEFT_URL })).out.match(/n\d+$/gm)).toHaveLength(8_014);
    const { out } = await weft('record 9990000018 --json', { WEFT_URL });
    expect((JSON.parse(out) as { entries: unknown[] }).entries).toHaveLength(8_014);
  });
});

describe('two blood pressures of one day', () => {
  const entry = (id: string, minute: string) => ({
    ...{ id: `RX901/Observation/${id}`, resourceType: 'Observation', organisation: 'RX901', about: 'Blood pressure' },
    ...{ occurredAt: `2026-01-31T09:${minute}:00Z`, recordedAt: '2026-01-31T10:00:00Z', purposes: [] },
  });
  const explained = {
    at: '2026-02-01',
    policyName: 'x',
    policyVersion: 1,
    decisions: [],
    setAside: [],
    corrected: [],
    movedTo: null,
  };

  it('are told apart by explain', async () => {
    const WEFT_URL = await listening((_, response) =>
      send(response, 200, { ...explained, entries: [entry('a', '30'), entry('b', '45')] }),
    );
    const flat = (await weft('explain 9990000018', { WEFT_URL })).out.replaceAll(/\s+/g, ' ');
    expect(flat).toMatch(/2026-01-31 09:30 Observation: Blood pressure( ·)* RX901\/Observation\/a/);
    expect(flat).toMatch(/2026-01-31 09:45 Observation: Blood pressure( ·)* RX901\/Observation\/b/);
  });
});
