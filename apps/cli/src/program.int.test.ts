import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from './failure.js';
import { listening, send } from './server.fixture.js';
import { runWeft } from './weft.fixture.js';

const directory = mkdtempSync(join(tmpdir(), 'weft-cli-'));
// As a Weft that was here left it.
mkdirSync(join(directory, 'keys'), { mode: 0o700 });
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A command line on the data directory of these tests. */
const weft = (line: string, env: Record<string, string> = {}, tty = false, input: readonly string[] = []) =>
  runWeft(line, { WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent', ...env }, tty, input);

const nobody = 'http://127.0.0.1:9';

const claimsOf = (token: string): unknown => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));

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
      'audit',
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
    ['token --role clinician', /--org/],
    ['token --role subscriber --purpose research', /--org/],
    ['token --role subscriber --org RX901', /--purpose research/],
    ['token --role clinician --org RX901 --purpose research', /--role subscriber/],
    ['token --role subscriber --org RX901 --purpose marketing', /direct-care/],
    ['re-identify propose --purpose research --reason left', /either an NHS number or --pseudonym/],
    ['re-identify disclose x 9990000018 --pseudonym y', /either an NHS number or --pseudonym/],
    ['re-identify propose 9990000018 --purpose research', /--reason/],
    ['audit 9990000018 --from yesterday', /2026-01-31/],
    ['audit 9990000018 --to 2026-02-30', /2026-01-31/],
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
      expect((await weft(line, { WEFT_DATA_DIR: join(parent, 'data') })).exitCode).toBe(EXIT.notThisRegion);
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

  it('speaks as the role, for the organisation and the purpose that is needed, or with the token it is given', async () => {
    const tokens: string[] = [];
    const url = await listening((request, response) => {
      tokens.push(request.headers.authorization ?? '');
      send(response, 404, {});
    });
    const lines = [
      'record 9990000018',
      'record 9990000018 --org RX902',
      'record 9990000018 --purpose research',
      'subscribe research',
      'subscribe research --org RX902',
    ];
    for (const line of lines) await weft(line, { WEFT_URL: url });
    expect(tokens.map(claimsOf)).toMatchObject([
      { roles: ['clinician'], org: 'Y90001' },
      { roles: ['clinician'], org: 'RX902' },
      { roles: ['governance'] },
      { roles: ['subscriber'], org: 'Y90001', purposes: ['research'] },
      { roles: ['subscriber'], org: 'RX902', purposes: ['research'] },
    ]);
    await weft('record 9990000018', { WEFT_URL: url, WEFT_TOKEN: 'mine' });
    expect(tokens.at(-1)).toBe('Bearer mine');
  });

  it('issues a token that says what it was asked to say', async () => {
    const words = 'token --role subscriber --purpose research --purpose population-health --org RX901 --subject project';
    const { out, exitCode } = await weft(words);
    expect(exitCode).toBe(EXIT.ok);
    const claims = { roles: ['subscriber'], org: 'RX901', purposes: ['research', 'population-health'], sub: 'project' };
    expect(claimsOf(out)).toMatchObject(claims);
    expect(claimsOf((await weft('token --role operations')).out)).not.toHaveProperty('purposes');
  });

  it('colours for a person, and never against NO_COLOR or into a pipe', async () => {
    const url = await listening((_, response) =>
      send(response, 200, {
        purpose: 'research',
        policyVersion: 1,
        version: '0'.repeat(32),
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

describe('weft record', () => {
  const notice = 'Some information about this person is not shown here.';
  const answering = (more: object) =>
    listening((_, response) =>
      send(response, 200, { purpose: 'direct-care', policyVersion: 1, version: '0'.repeat(32), entries: [], ...more }),
    );

  it('says what the answer says of withheld entries, to people and to machines, and counts them for governance', async () => {
    const toClinician = await answering({ notice });
    const { out } = await weft('record 9990000018', { WEFT_URL: toClinician });
    expect(out.split('\n').slice(0, 2)).toEqual(['999 000 0018 · direct care · 0 entries', notice]);
    expect(JSON.parse((await weft('record 9990000018 --json', { WEFT_URL: toClinician })).out)).toMatchObject({ notice });
    const toGovernance = (await weft('record 9990000018', { WEFT_URL: await answering({ notice, withheld: 2 }) })).out;
    expect(toGovernance).toContain(`0 entries, 2 withheld\n${notice}`);
    expect(toGovernance).toContain('2 entries are held back');
  });

  it('says that something is in quarantine, and so is missing', async () => {
    const { out } = await weft('record 9990000018', { WEFT_URL: await answering({ waiting: true }) });
    expect(out.split('\n')[1]).toBe('Something that was sent about this person could not be taken in yet. It is missing here.');
  });

  it('says nothing of them where the answer does not', async () => {
    const { out } = await weft('record 9990000018', { WEFT_URL: await answering({}) });
    expect(out).not.toMatch(/withheld|held back|not shown|missing/);
  });
});

describe('weft explain', () => {
  const about = (id: string, more: object) => ({
    ...{ id, authority: 'local-dissent', status: 'active', decidedBy: 'patient', receivedAt: 0, standsFor: [] },
    ...{ decidedAt: '2026-01-30', recorder: { as: 'governance', organisation: 'Y90001', subject: 'anna' }, ...more },
  });
  const said = (effect: string, purposes: readonly string[], more: object = {}) => ({
    provision: { effect, purposes, limits: [], provisions: [], ...more },
  });
  const explained = {
    ...{ at: '2026-02-01T00:00:00.000Z', policyVersion: 1, policyName: 'Default sharing policy', movedTo: null },
    decisions: [
      about('first', said('deny', ['research'])),
      about('second', { ...said('deny', ['direct-care', 'research']), standsFor: ['research'] }),
      about('third', { ...said('permit', ['research'], { from: Date.parse('2026-03-01T00:00:00Z') }), standsFor: ['research'] }),
      about('fourth', said('deny', ['research'], { until: 0 })),
      about('fifth', { ...said('deny', ['research']), status: 'withdrawn' }),
    ],
    entries: [
      {
        ...{ id: 'RX901/Condition/c', resourceType: 'Condition', organisation: 'RX901', occurredAt: null, recordedAt: '' },
        purposes: [
          {
            ...{ purpose: 'research', included: false, rule: 'local-dissent', plainEnglish: 'You said no.' },
            decision: { id: 'second', authority: 'local-dissent', decidedAt: '2026-01-30', decidedBy: 'patient' },
          },
        ],
      },
    ],
  };
  const setAside = [
    { entry: 'RX901/Condition/c', recordedAt: '2026-01-31T09:30:00.000Z', plainEnglish: 'Version 1 changed nothing.' },
  ];
  const out = async (more: object = {}) => {
    const nothing = { setAside: [], corrected: [] };
    const WEFT_URL = await listening((_, response) => send(response, 200, { ...explained, ...nothing, ...more }));
    return (await weft('explain 9990000018', { WEFT_URL })).out.replace(/ +/g, ' ');
  };

  it('says which versions changed nothing, and why', async () => {
    expect(await out()).not.toContain('changed nothing');
    expect(await out({ setAside })).toMatch(
      /1 version that changed nothing, or whose number and date disagree\n 2026-01-31 09:30 RX901\/Condition\/c\n Version 1 changed nothing\./,
    );
  });

  it('says which entries have versions under several NHS numbers, and what became of them', async () => {
    expect(await out()).not.toContain('several NHS numbers');
    expect(await out({ corrected: [{ entry: 'RX901/Condition/c', plainEnglish: 'It moved to another one.' }] })).toMatch(
      /1 entry with versions under several NHS numbers\n RX901\/Condition\/c\n It moved to another one\./,
    );
  });

  it('says of each decision whether it stood, for which purposes, and who recorded it', async () => {
    const lines = (await out()).split('\n').map((line) => line.trim());
    expect(lines.filter((line) => /^\d 20/.test(line))).toEqual([
      '1 2026-01-30 local-dissent deny not in force',
      '2 2026-01-30 local-dissent deny in force for research',
      '3 2026-01-30 local-dissent permit to come',
      '4 2026-01-30 local-dissent deny ended',
      '5 2026-01-30 local-dissent withdrawn',
    ]);
    expect(lines).toContain('for research; from 2026-03-01 00:00 UTC');
    expect(lines).toContain('by the patient, recorded by anna (governance of Y90001)');
  });

  it('names the decision that a reason rests on', async () => {
    expect(await out()).toContain('a local-dissent: You said no. Decision 2, of 2026-01-30 by the patient.');
  });
});

describe('weft opt-in and opt-out', () => {
  const said = async (line: string) => {
    const covers = { 'direct-care': 0, 'care-coordination': 0, 'population-health': 0, research: 3 };
    const answer = {
      id: '0-1',
      state: 'obeyed',
      standing: true,
      since: '2999-07-01T23:00:00.000Z',
      until: null,
      covers,
      warnings: [],
    };
    const url = await listening((_, response) => send(response, 200, answer));
    return (await weft(line, { WEFT_URL: url })).out.replaceAll(/\s+/g, ' ');
  };

  it('says when it begins, and why not before', async () => {
    const out = await said('opt-in 9990000018 --purpose research --from 2999-07-01');
    expect(out).toContain(
      'will be obeyed from 2999-07-01 23:00 UTC A date is a whole day, and an agreement begins when 2999-07-01 has ended',
    );
    expect(out).toContain('give it with its offset, like --from 2999-07-01T09:00:00Z. It will share 3 entries with research.');
  });

  it.each([
    'opt-out 9990000018 --purpose research --from 2999-07-01',
    'opt-in 9990000018 --purpose research --from 2999-07-01T23:00:00Z',
  ])('explains no date where none is narrowed: %s', async (line) => expect(await said(line)).not.toContain('whole day'));

  it.each([
    ['opt-in', 'what is still withheld is so by another decision or a rule'],
    ['opt-out', 'what it covers was not shared before either'],
  ])('says why %s changes nothing', async (name, why) => {
    const covers = { 'direct-care': 0, 'care-coordination': 0, 'population-health': 0, research: 0 };
    const answer = { id: '0-1', state: 'obeyed', standing: true, since: null, until: null, covers, warnings: [] };
    const WEFT_URL = await listening((_, response) => send(response, 200, answer));
    const { out } = await weft(`${name} 9990000018 --purpose research`, { WEFT_URL });
    expect(out.replaceAll(/\s+/g, ' ')).toContain(`changes nothing that is in the record now: ${why}`);
  });

  it.each([
    ['opt-in', 'a date, which counts from its END in England', 'a date counts to its BEGINNING'],
    ['opt-out', 'a date, which counts from its beginning in England', 'a date counts to its end'],
  ])('is explained by --help of %s', async (name, from, until) => {
    const out = (await weft(`${name} --help`)).out.replaceAll(/\s+/g, ' ');
    expect(out).toContain(from);
    expect(out).toContain(until);
  });
});

describe('weft policy', () => {
  const rules = [{ id: 'all', purposes: ['direct-care'], when: {}, effect: 'permit', plainEnglish: 'Shared.' }];
  const path = join(directory, 'policy.json');

  it.each([
    ['research-first', /rules\[0\] \(research-and-planning\) permits .* before a rule checks the national data opt-out\n/],
    ['no-national-opt-out', /rules\[6\] \(research-and-planning\) .* no rule checks the national data opt-out\n/],
    ['no-type-1', /Floor rule type-1-asked: .*\n +Law: UK GDPR, Article 21/],
    ['consent-before-type-1', /rules\[0\] \(explicit-consent\) .* before a rule checks type 1 objections\n/],
    ['hospitals-lift-opt-outs', /authorities\.national-data-opt-out\.liftedBy\[1\] \(kind:acute\)/],
    ['misspelt', /authorites is no member here.*\n +rules\[3\]\.when\.organisationKind is no member here/],
  ])('refuses test/policies/%s.json by name, whether or not Weft is there, and before it asks why', async (name, message) => {
    const file = fileURLToPath(new URL(`../../../test/policies/${name}.json`, import.meta.url));
    const { err, exitCode } = await weft(`policy adopt ${file}`, { WEFT_URL: nobody });
    expect(exitCode).toBe(EXIT.finding);
    expect(err).toMatch(message);
  });

  it.each(['research-by-consent', 'dissent-of-care-alone'])('takes test/policies/%s.json, for a reason', async (name) => {
    const file = fileURLToPath(new URL(`../../../test/policies/${name}.json`, import.meta.url));
    expect(await weft(`policy adopt ${file} --check`)).toMatchObject({ exitCode: EXIT.ok });
    const { err, exitCode } = await weft(`policy adopt ${file}`, { WEFT_URL: nobody });
    expect(exitCode).toBe(EXIT.usage);
    expect(err).toContain('--reason');
  });

  const reach = { opened: { people: 2, entries: 12 }, closed: { people: 0, entries: 0 } };
  const study = { subject: 'study', organisation: 'RX901', lastBegan: '2026-04-30T10:00:00Z', ...reach };
  const figures = { ...reach, subscribers: [study] };
  const nothing = { opened: { people: 0, entries: 0 }, closed: { people: 0, entries: 0 }, subscribers: [] };
  const proposal = {
    ...{ id: 'p1', state: 'waiting', opens: true, name: 'Wider', reason: 'Agreed', version: null, authorisedBy: null },
    ...{ proposedBy: { subject: 'anna', organisation: null }, proposedAt: '2026-05-01T00:00:00Z' },
    plan: {
      ...{
        inForce: 3,
        plannedAt: '2026-05-01T00:00:00Z',
        people: 40,
        opens: true,
        openings: ['rules[0] (x) permits what no rule in force does'],
      },
      purposes: { 'direct-care': nothing, 'care-coordination': nothing, 'population-health': nothing, research: figures },
    },
  };
  const wider = fileURLToPath(new URL('../../../test/policies/dissent-of-care-alone.json', import.meta.url));

  it('proposes as the person it is told, shows the plan, and says that somebody else authorises it', async () => {
    const asked: { path: string | undefined; subject: unknown; body: unknown }[] = [];
    const url = await listening((request, response, body) => {
      const claims = (request.headers.authorization ?? '').split('.')[1] ?? '';
      const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { sub: unknown };
      asked.push({ path: request.url, subject: sub, body: JSON.parse(body) });
      if (request.url === '/policies') send(response, 202, proposal);
      else send(response, 200, { ...proposal, state: 'adopted', version: 4 });
    });
    const { out, exitCode } = await weft(`policy adopt ${wider} --reason Agreed --subject anna`, { WEFT_URL: url });
    expect(exitCode).toBe(EXIT.ok);
    expect(asked).toEqual([
      { path: '/policies', subject: 'anna', body: { document: JSON.parse(readFileSync(wider, 'utf8')), reason: 'Agreed' } },
    ]);
    expect(out).toMatch(/research +2 +12 +0 +0\n/);
    expect(out).toMatch(/research +RX901 +study +2026-04-30 +12 entries of 2 people +–\n/);
    expect(out).toContain('Every subscriber of a purpose is told all that opens and closes for it.');
    expect(out).toContain('Weft does not know who reads the topics on Kafka itself');
    expect(out).toContain('weft policy authorise p1');
    await weft('policy authorise p1 --subject bert', { WEFT_URL: url });
    expect(asked.at(-1)).toEqual({ path: '/policies/p1/authorisations', subject: 'bert', body: {} });
    expect((await weft('policy authorise p1 --subject bert', { WEFT_TOKEN: 'x' })).exitCode).toBe(EXIT.usage);
  });

  it('waits for a plan that takes longer than a request, also where another instance makes it', async () => {
    const answers = [
      [202, { id: 'p1', state: 'planning' }],
      [200, { id: 'p1', state: 'planning', people: 20 }],
      [404, {}],
      [200, { ...proposal, state: 'adopted', version: 4, opens: false }],
    ] as const;
    let answered = 0;
    const url = await listening((_, response) => send(response, ...(answers[(answered += 1) - 1] as readonly [number, object])));
    const { out, exitCode } = await weft(`policy adopt ${wider} --reason Agreed`, { WEFT_URL: url });
    expect(out).toContain('✓ Wider is in force as version 4\n  research: opens 12 entries of 2 people\n');
    expect([exitCode, answered]).toEqual([EXIT.ok, answers.length]);
  });

  it('lists proposals and versions with who and why', async () => {
    const version = { version: 3, name: 'Wider', adoptedAt: '2026-05-02T00:00:00Z', applied: false, by: 'governance' };
    const adopted = { ...version, reason: 'Agreed', proposedBy: proposal.proposedBy, proposedAt: proposal.proposedAt };
    const lists: Record<string, object> = {
      '/policies/proposals': [proposal, { ...proposal, id: 'p2', state: 'overtaken', version: 3 }],
      '/policies': [
        { ...adopted, authorisedBy: { subject: 'bert' }, plan: proposal.plan },
        { ...version, version: 4, by: 'settings', applied: true },
      ],
    };
    const url = await listening((request, response) => send(response, 200, lists[request.url ?? '']));
    const { out } = await weft('policy proposals', { WEFT_URL: url });
    expect(out).toContain(
      'p1  waiting\n   Wider, proposed by anna on 2026-05-01: Agreed\n   research: opens 12 entries of 2 people\n',
    );
    expect(out).toContain('p2  overtaken by version 3\n');
    const versions = (await weft('policy versions', { WEFT_URL: url })).out;
    expect(versions).toContain('3  adopted 2026-05-02  readers obey it; views and topics follow\n');
    expect(versions).toMatch(/Wider, proposed by anna on 2026-05-01, authorised by bert: Agreed\s/);
    expect(versions).toContain('4  adopted 2026-05-02  every view and topic obeys it\n   Wider: as the settings say\n');
  });

  it('names each notice that cannot be given', async () => {
    writeFileSync(path, JSON.stringify({ name: 'x', rules, notices: { withheld: ['doctor'], quiet: [] } }));
    const { err, exitCode } = await weft(`policy adopt ${path} --check`);
    expect(exitCode).toBe(EXIT.finding);
    expect(err).toContain('notices.withheld[0] is none of clinician, governance');
    expect(err).toContain('notices.quiet is no member here; withheld, silent are');
  });

  it('shows that the settings name another one than is in force, and what to do', async () => {
    const shown = async (settingsDiffer: boolean, organisationsDiffer: readonly string[] = []) => {
      const inForce = { version: 2, name: 'x', adoptedAt: '2026-01-01T00:00:00Z', rules, organisations: {} };
      const policy = { ...inForce, settingsDiffer, organisationsDiffer, codesDiffer: false };
      const url = await listening((_, response) => send(response, 200, policy));
      return (await weft('policy show', { WEFT_URL: url })).out;
    };
    expect(await shown(true)).toContain('WEFT_POLICY names another policy than the one in force. It is not in force.\n');
    expect(await shown(false, ['RX901', 'RX904'])).toContain(
      'WEFT_ORGANISATIONS does not say the kinds of organisations in force, which stay: RX901, RX904\n',
    );
    expect(await shown(false)).not.toMatch(/WEFT_(POLICY|ORGANISATIONS)/);
  });

  it('shows who is told that something is not shown, also where the policy leaves it to the shipped rule', async () => {
    const shown = async (notices?: object) => {
      const inForce = { version: 2, name: 'x', adoptedAt: '2026-01-01T00:00:00Z', rules, organisations: {} };
      const policy = { ...inForce, notices, settingsDiffer: false, organisationsDiffer: [], codesDiffer: false };
      const url = await listening((_, response) => send(response, 200, policy));
      return (await weft('policy show', { WEFT_URL: url })).out;
    };
    expect(await shown()).toContain('told that something is not shown: clinician, governance\n');
    const silent = await shown({ withheld: ['governance'], silent: ['withheld-item'] });
    expect(silent).toContain('told that something is not shown: governance; never of withheld-item\n');
    expect(await shown({ withheld: [] })).toContain('told that something is not shown: nobody\n');
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

  it('says with --wait what became of each event, and asks for no more than that', async () => {
    writeFileSync(path, events('a', 'b', 'c', 'd', 'e', 'f'));
    const became = ['new', 'unchanged', 'duplicate', 'quarantined', 'pending', 'new'];
    const waits: unknown[] = [];
    const url = await listening((request, response) => {
      waits.push(request.headers['prefer']);
      send(response, 202, { accepted: 6, refused: 0, items: became.map((outcome, entry) => ({ entry, outcome })) });
    });
    const { out, exitCode } = await weft(`publish ${path} --org RX901 --wait`, { WEFT_URL: url });
    expect(out).toBe(
      '! 6 events accepted and durable, 0 refused\n' +
        '  2 new, 1 unchanged, 1 duplicate, 1 in quarantine; 1 not yet recorded when Weft answered\n',
    );
    expect(exitCode).toBe(EXIT.finding);
    const json = (await weft(`publish ${path} --org RX901 --wait --json`, { WEFT_URL: url })).out;
    expect(JSON.parse(json)).toEqual({
      ...{ accepted: 6, refused: 0 },
      ...{ new: 2, unchanged: 1, duplicate: 1, quarantined: 1, pending: 1 },
    });
    await weft(`publish ${path} --org RX901`, { WEFT_URL: url });
    expect(waits).toEqual(['wait=60', 'wait=60', undefined]);
  });

  it('counts what is about nobody apart from events', async () => {
    writeFileSync(path, events('a'));
    const told = (code: string) => ({ severity: 'information', details: { coding: [{ system: 'urn:weft:outcome', code }] } });
    const entry = ['accepted', 'kept'].map((code) => ({ response: { outcome: { issue: [told(code)] } } }));
    const answer = { resourceType: 'Bundle', type: 'batch-response', entry };
    const bundle = join(directory, 'kept.json');
    writeFileSync(bundle, JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: [{}, {}] }));
    const url = await listening((_, response) => send(response, 200, answer));
    const { out } = await weft(`publish ${bundle} --org RX901`, { WEFT_URL: url });
    expect(out).toBe('✓ 1 event accepted and durable, 1 resource about nobody kept with them, 0 refused\n');
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

describe('weft publish of a directory, and its end', () => {
  const root = join(directory, 'export');
  const event = JSON.stringify({ specversion: '1.0', id: 'a' });
  beforeAll(() => {
    mkdirSync(root);
    for (const name of ['1.json', '2.json', '3.txt']) writeFileSync(join(root, name), event);
  });
  const accepted = { accepted: 1, refused: 0, items: [{ entry: 0 }] };

  it('publishes every file in it, and says what it skipped', async () => {
    const url = await listening((_, response) => send(response, 202, accepted));
    const { out, err, exitCode } = await weft(`publish ${root} --org RX901`, { WEFT_URL: url });
    expect(out).toContain('✓ 2 events accepted and durable, 0 refused\n');
    expect(err).toContain(`skipped 1 file: ${join(root, '3.txt')}; of a directory only`);
    expect(exitCode).toBe(EXIT.ok);
  });

  it('says at Ctrl-C what was accepted so far and how to go on, once the answer under way is there', async () => {
    let requests = 0;
    const url = await listening((_, response) => {
      requests += 1;
      process.emit('SIGINT');
      send(response, 202, accepted);
    });
    const { out, err, exitCode } = await weft(`publish ${root} --org RX901`, { WEFT_URL: url });
    expect(out).toBe('! 1 event accepted and durable, 0 refused so far\n');
    expect(err).toContain('the same command goes on');
    expect([requests, exitCode]).toEqual([1, EXIT.interrupted]);
    const { out: forMachines } = await weft(`publish ${root} --org RX901 --json`, { WEFT_URL: url });
    expect(JSON.parse(forMachines)).toEqual({ accepted: 1, refused: 0, unfinished: true });
  });

  it('says so too where Weft takes nothing more', async () => {
    let requests = 0;
    const url = await listening((_, response) =>
      (requests += 1) === 1 ? send(response, 202, accepted) : send(response, 403, { title: 'No more' }),
    );
    const { out, err, exitCode } = await weft(`publish ${root} --org RX901`, { WEFT_URL: url });
    expect(out).toContain('1 event accepted and durable, 0 refused so far');
    expect(err).toContain('No more (403)');
    expect(exitCode).toBe(EXIT.finding);
  });
});

describe('weft audit', () => {
  const entry = (more: object) => ({
    ...{ time: '2026-01-31T09:30:12.345Z', request: 'r', who: 'dr-who', organisation: 'RX901', roles: ['clinician'] },
    ...{ action: 'record', purpose: 'direct-care', patient: 'a'.repeat(32), outcome: 'given' },
    ...{ policyVersion: 1, consentRevision: 0, ...more },
  });
  const pages = [
    [entry({}), entry({ who: 'a nurse', action: 'summary', outcome: 'refused' })],
    [
      entry({ who: 'a lead', organisation: null, action: 'decide', purpose: null, outcome: 'accepted' }),
      entry({ who: 'a project', organisation: 'RX902', action: 'told', purpose: 'research' }),
    ],
  ];
  const answering = (asked: unknown[], note: string | null = null) =>
    listening((request, response) => {
      asked.push(request.url);
      const isFirst = !String(request.url).includes('after=');
      const next = isFirst ? '/records/9990000018/audit?from=2026-01-01&to=2026-01-31&after=x' : null;
      send(response, 200, { from: '2026-01-01', to: '2026-01-31', entries: pages[isFirst ? 0 : 1], next, note });
    });

  it('lists who looked, decided and was told, of all pages, for a person to read', async () => {
    const asked: unknown[] = [];
    const url = await answering(asked, 'Not all can be known.');
    const { out, exitCode } = await weft('audit 9990000018 --from 2026-01-01 --to 2026-01-31', { WEFT_URL: url });
    expect(exitCode).toBe(EXIT.ok);
    expect(asked).toEqual([
      '/records/9990000018/audit?from=2026-01-01&to=2026-01-31',
      '/records/9990000018/audit?from=2026-01-01&to=2026-01-31&after=x',
    ]);
    const flat = out.replace(/ +/g, ' ');
    expect(flat).toContain('999 000 0018 · 2026-01-01 to 2026-01-31, UTC · 4 entries');
    expect(flat).toContain('Not all can be known.');
    for (const words of ['dr-who RX901', 'looked at record', 'refused', 'decided', 'was told', '2026-01-31 09:30']) {
      expect(flat).toContain(words);
    }
  });

  it('gives machines all pages as one', async () => {
    const url = await answering([]);
    const { out } = await weft('audit 9990000018 --json', { WEFT_URL: url });
    expect(JSON.parse(out)).toEqual({ from: '2026-01-01', to: '2026-01-31', note: null, entries: pages.flat() });
  });
});

describe('an NHS number that is not in the command line', () => {
  /** The paths that are asked for. */
  async function asked(line: string, input: readonly string[] = []) {
    const paths: string[] = [];
    const WEFT_URL = await listening(({ url = '' }, response) => {
      paths.push(url);
      send(response, 200, { purpose: 'direct-care', policyVersion: 1, version: '0', entries: [] });
    });
    return { paths, ...(await weft(line, { WEFT_URL }, false, input)) };
  }

  it.each([
    ['a line of standard input', 'record -', ['999 000 ', '0018\n', 'more\n']],
    ['standard input without a line end, after an empty line', 'record -', ['\n9990000018']],
    ['a file', `record @${join(directory, 'number')}`, []],
  ])('is read from %s', async (_, line, input) => {
    writeFileSync(join(directory, 'number'), '999-000-0018\n');
    expect((await asked(line, input)).paths).toEqual(['/records/9990000018?purpose=direct-care']);
  });

  it.each([
    ['record -', ['9990000019\n'], 'the NHS number that was read is none'],
    ['record -', [], 'there is no NHS number on standard input'],
    ['explain @/nowhere/number', [], 'cannot be read (ENOENT)'],
    ['replay direct-care --patient -', ['Jane\n'], 'the NHS number that was read is none'],
  ])('is refused where there is none (%s), and not repeated', async (line, input, message) => {
    const { paths, err, exitCode } = await asked(line, input);
    expect([paths, exitCode]).toEqual([[], EXIT.usage]);
    expect(err).toContain(message);
    expect(err).not.toMatch(/9990000019|Jane/);
  });
});

describe('what a terminal would obey', () => {
  const text = 'a\u001b[2J\u009b31m\u202eb\r\nc\u0007';
  const code = { coding: [{ display: text }] };
  const entry = { id: 'RX901/Observation/1', organisation: 'RX901', occurredAt: '2026-01-01', resourceType: 'Observation' };
  const entries = [{ ...entry, resource: { resourceType: 'Observation', code } }];
  const record = { purpose: 'direct-care', policyVersion: 1, version: '0', entries, notice: text };
  // eslint-disable-next-line no-control-regex
  const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/;

  it.each([false, true])(
    'is shown and not obeyed where it stands in data, colours of Weft’s own aside (terminal: %s)',
    async (tty) => {
      const WEFT_URL = await listening((_, response) => send(response, 200, record));
      const { out } = await weft('record 9990000018', { WEFT_URL }, tty);
      expect(out).toContain('a\\u001b[2J\\u009b31m\\u202eb\\u000d\\nc\\u0007');
      // eslint-disable-next-line no-control-regex
      expect(out.replace(/\u001b\[\d+m/g, '')).not.toMatch(obeyed);
      if (tty) expect(out).toContain('\u001b[1m');
    },
  );

  it('is the same JSON to a machine', async () => {
    const WEFT_URL = await listening((_, response) => send(response, 200, record));
    const { out } = await weft('record 9990000018 --json', { WEFT_URL });
    expect(out).not.toMatch(obeyed);
    expect(JSON.parse(out)).toMatchObject({ notice: text });
  });

  it('is shown in a refusal too', async () => {
    const WEFT_URL = await listening((_, response) => send(response, 404, { title: text, detail: text }));
    const { err } = await weft('record 9990000018', { WEFT_URL });
    expect(err).toContain('\\u001b[2J');
    expect(err).not.toMatch(obeyed);
  });
});
