import { DEFAULT_RULES, type Policy, type PolicyPlan, provision, PURPOSES, type Purpose, type Rule } from '@weft/domain';
import { followPolicies, POLICY_PROPOSALS_STREAM, POLICY_STREAM, readRecord } from '@weft/processing';
import { systemTimers } from '@weft/service';
import { ANNE, BERT, observation, openRegion, type Region } from './region.fixture.js';
import { isUpToDate, Subscriber } from './subscriber.fixture.js';

const changed = (id: string, change: Partial<Rule>): readonly Rule[] =>
  DEFAULT_RULES.map((rule) => (rule.id === id ? { ...rule, ...change } : rule));
/** Local dissent no longer concerns research and planning. */
const OPENS = { name: 'Opens', rules: changed('local-dissent', { purposes: ['direct-care', 'care-coordination'] }) };
/** Research only with explicit consent. */
const CLOSES = { name: 'Closes', rules: changed('research-and-planning', { purposes: ['population-health'] }) };
const WORDS = { name: 'Words', rules: changed('local-dissent', { plainEnglish: 'You said no to this.' }) };
const RESEARCH_FIRST = {
  name: 'x',
  rules: DEFAULT_RULES.toSorted((a, b) => Number(b.when.decision === undefined) - Number(a.when.decision === undefined)),
};

describe('policies', () => {
  let region: Region;
  beforeEach(async () => {
    region = await openRegion();
    for (const id of ['o1', 'o2']) await region.publish('RX901', ANNE, observation(ANNE, id));
    await region.publish('RX901', BERT, observation(BERT, 'o1'));
    await region.decide(ANNE, { provision: provision('deny', ['research']) });
  });
  afterEach(() => region.close());

  const post = (path: string, subject: string, body: object = {}) => region.govern(subject, path, body);
  const get = async (path: string) => (await region.ask(path, { roles: ['governance'] })).body;
  const propose = (document: object, subject = 'anna', reason = 'The board agreed') =>
    post('/policies', subject, { document, reason });
  const inForce = async (): Promise<string> => (await region.ask('/policy')).body.name;
  const figuresOf = (plan: { purposes: Record<Purpose, object> }, purpose: Purpose) => plan.purposes[purpose];
  const reach = (people: number, entries: number) => ({ people, entries });
  const unchanged = { opened: reach(0, 0), closed: reach(0, 0), subscribers: [] };

  it('are planned by purpose, and nothing is written', async () => {
    const heads = () => Promise.all([POLICY_STREAM, POLICY_PROPOSALS_STREAM].map((stream) => region.wiring.store.head(stream)));
    const before = await heads();
    const opening = (await post('/policy/plans', 'anna', { document: OPENS })).body;
    expect(opening).toMatchObject({ inForce: 1, people: 2, opens: true });
    expect(figuresOf(opening, 'research')).toEqual({ ...unchanged, opened: reach(1, 2) });
    for (const purpose of PURPOSES.filter((one) => one !== 'research')) expect(figuresOf(opening, purpose)).toEqual(unchanged);
    const closing = (await post('/policy/plans', 'anna', { document: CLOSES })).body;
    expect(closing).toMatchObject({ opens: false, openings: [] });
    expect(figuresOf(closing, 'research')).toEqual({ ...unchanged, closed: reach(1, 1) });
    expect(await heads()).toEqual(before);
    expect(await inForce()).toBe('Default sharing policy');
  });

  it('are for governance alone, and say every place where they are wrong or lie below the floor', async () => {
    for (const path of ['/policy/plans', '/policies', '/policies/x/authorisations']) {
      expect((await region.ask(path, { method: 'POST' })).status).toBe(401);
      expect((await region.ask(path, { roles: ['operations', 'clinician'], method: 'POST' })).status).toBe(403);
    }
    for (const path of ['/policies', '/policies/proposals', '/policies/1']) expect((await region.ask(path)).status).toBe(401);
    const unsound = await propose({ ...WORDS, ruels: [], ages: { own: 'x' } });
    expect(unsound.status).toBe(422);
    expect(unsound.body.errors.map(({ field }: { field: string }) => field)).toEqual(['ruels', 'ages.own']);
    const below = await propose(RESEARCH_FIRST);
    expect(below).toMatchObject({ status: 422, body: { type: 'urn:weft:problem:invalid-policy' } });
    expect(below.body.errors.map(({ field, code }: { field: string; code: string }) => `${field} ${code}`)).toEqual([
      'rules[1] national-data-opt-out-first',
      'rules[1] type-1-first',
    ]);
    expect(below.body.errors[0].message).toMatch(/^\(research-and-planning\) .* Law: NHS Act 2006, section 251/);
    expect((await post('/policy/plans', 'anna', { document: RESEARCH_FIRST })).status).toBe(422);
    const kinds = await propose({ ...WORDS, organisations: { RX901: 'gp' } });
    expect(kinds.body.errors.map(({ field }: { field: string }) => field)).toContain('organisations.RX901');
    expect(await get('/policies/proposals')).toEqual([]);
  });

  it('need a reason, which names nobody by number', async () => {
    for (const reason of [undefined, '', '  ', `because of ${ANNE}`]) {
      const { status, body, text } = await post('/policies', 'anna', { document: CLOSES, reason });
      expect([status, body.errors[0].field]).toEqual([400, 'reason']);
      expect(text).not.toContain(ANNE);
    }
  });

  it('that only close are adopted at once, by one person', async () => {
    const { status, body } = await propose(CLOSES);
    expect([status, body.state, body.version, body.opens, body.authorisedBy]).toEqual([200, 'adopted', 2, false, null]);
    expect(await inForce()).toBe('Closes');
    const [first, second] = await get('/policies');
    expect(first).toMatchObject({ version: 1, applied: true });
    expect(second).toMatchObject({
      version: 2,
      by: 'governance',
      reason: 'The board agreed',
      authorisedBy: null,
      applied: false,
    });
    expect(second).toMatchObject({ proposedBy: { subject: 'anna', organisation: 'RX901' }, proposal: body.id });
    expect(figuresOf(second.plan, 'research')).toEqual({ ...unchanged, closed: reach(1, 1) });
    expect(await get('/policies/2')).toMatchObject({ version: 2, name: 'Closes', codes: [] });
    const { entries } = await get('/audit');
    const acts = entries.map(({ who, action, about }: Record<string, string>) => [who, action, about]);
    expect(acts).toContainEqual(['anna', 'propose-policy', `proposal ${body.id}`]);
    expect(acts).toContainEqual(['anna', 'adopt-policy', 'version 2']);
  });

  it('that open anything wait for somebody else, who may ask again whether it was done', async () => {
    const proposed = await propose(OPENS);
    const { id } = proposed.body;
    expect([proposed.status, proposed.body.state, proposed.headers.get('location')]).toEqual([
      202,
      'waiting',
      `/policies/proposals/${id}`,
    ]);
    expect(await inForce()).toBe('Default sharing policy');
    expect(await get(`/policies/proposals/${id}`)).toMatchObject({
      state: 'waiting',
      document: { name: 'Opens', ages: { own: 13 } },
    });
    const own = await post(`/policies/${id}/authorisations`, 'anna');
    expect([own.status, own.body.type]).toEqual([403, 'urn:weft:problem:second-person-needed']);
    expect(await inForce()).toBe('Default sharing policy');
    for (let time = 0; time < 2; time += 1) {
      const { status, body } = await post(`/policies/${id}/authorisations`, 'bert');
      expect([status, body.state, body.version, body.authorisedBy.subject]).toEqual([200, 'adopted', 2, 'bert']);
    }
    const third = await post(`/policies/${id}/authorisations`, 'carl');
    expect([third.status, third.body.type]).toEqual([409, 'urn:weft:problem:adopted-already']);
    expect((await get('/policies')).at(-1)).toMatchObject({ proposedBy: { subject: 'anna' }, authorisedBy: { subject: 'bert' } });
    expect((await post('/policies/unknown/authorisations', 'bert')).status).toBe(404);
    const refused = (await get('/audit')).entries.filter(({ outcome }: { outcome: string }) => outcome === 'refused');
    expect(refused).toContainEqual(expect.objectContaining({ who: 'anna', action: 'authorise-policy' }));
  });

  it('are refused where another one came in between and changed what they open and close', async () => {
    const { id } = (await propose(OPENS)).body;
    expect((await propose(CLOSES, 'carl')).body.version).toBe(2);
    const { status, body } = await post(`/policies/${id}/authorisations`, 'bert');
    expect([status, body.type, body.detail]).toEqual([409, 'urn:weft:problem:overtaken', expect.stringContaining('Version 2')]);
    expect(await get(`/policies/proposals/${id}`)).toMatchObject({ state: 'overtaken', version: 2 });
    expect(await inForce()).toBe('Closes');
    expect((await post(`/policies/${id}/authorisations`, 'bert')).status).toBe(409);
  });

  it('are adopted where another one came in between and changed nothing of that', async () => {
    const { id } = (await propose(OPENS)).body;
    expect((await propose(WORDS, 'carl')).body.version).toBe(2);
    expect((await post(`/policies/${id}/authorisations`, 'bert')).body).toMatchObject({ state: 'adopted', version: 3 });
    expect(await inForce()).toBe('Opens');
  });

  it('that two people authorise at once are adopted once', async () => {
    const { id } = (await propose(OPENS)).body;
    const answers = await Promise.all(['bert', 'carl'].map((who) => post(`/policies/${id}/authorisations`, who)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(await get('/policies')).toHaveLength(2);
  });

  it('that are in force already change nothing, also where a document says what is shipped', async () => {
    const { version, adoptedAt, ...shown } = (await region.ask('/policy')).body;
    const { status, body } = await propose({ version, adoptedAt, ...shown });
    expect([status, body.state]).toEqual([200, 'in-force']);
    expect(await get('/policies/proposals')).toEqual([]);
    expect(await get('/policies')).toHaveLength(1);
  });

  it('open and close for every subscriber of each purpose what their plans said', async () => {
    const following = followPolicies(region.wiring, (error) => {
      throw error;
    });
    const feeds = await Promise.all(
      (['direct-care', 'population-health', 'research', 'research'] as const).map(async (purpose, index) => {
        const who = { subject: `feed-${index}`, organisation: index % 2 === 0 ? 'RX902' : 'RX901' };
        const feed = await Subscriber.open(region, `${purpose}?from=beginning`, who);
        await feed.until(isUpToDate);
        return { purpose, who, feed, held: feed.changes.length };
      }),
    );
    const plans: PolicyPlan[] = [];
    for (const [document, version] of [
      [CLOSES, 2],
      [OPENS, 3],
    ] as const) {
      plans.push((await post('/policy/plans', 'anna', { document })).body);
      const { id, state } = (await propose(document)).body;
      if (state === 'waiting') await post(`/policies/${id}/authorisations`, 'bert');
      while ((await get('/policies')).at(-1).applied !== true) await region.wiring.timers.sleep(5);
      expect(await inForce()).toBe(document.name);
      expect((await get('/policies')).at(-1).version).toBe(version);
    }
    const [closing, opening] = plans as [PolicyPlan, PolicyPlan];
    expect(closing.purposes.research.closed).toEqual(reach(1, 1));
    expect(opening.purposes.research.opened).toEqual(reach(2, 3));
    // The last of all about each person: whoever has it has what came before.
    for (const person of [ANNE, BERT]) await region.publish('RX901', person, observation(person, 'last'));
    for (const { purpose, who, feed, held } of feeds) {
      const { closed } = closing.purposes[purpose];
      const { opened } = opening.purposes[purpose];
      const since = () => feed.changes.slice(held);
      await feed.until(() => since().length >= closed.entries + opened.entries + 2);
      await feed.leave();
      const told = (kind: string) => {
        const lines = since().filter(
          (line, at, all) => line.kind === kind && all.slice(at + 1).some(({ subject }) => subject === line.subject),
        );
        return reach(new Set(lines.map(({ subject }) => subject)).size, lines.length);
      };
      const planned = ({ purposes }: PolicyPlan) =>
        purposes[purpose].subscribers.find(
          ({ subject, organisation }) => subject === who.subject && organisation === who.organisation,
        );
      expect([purpose, planned(closing)]).toMatchObject([purpose, { opened: reach(0, 0), closed: told('withdrawn') }]);
      expect([purpose, planned(opening)]).toMatchObject([purpose, { opened: told('included'), closed: reach(0, 0) }]);
      expect(closing.purposes[purpose].subscribers).toHaveLength(purpose === 'research' ? 2 : 1);
    }
    await following.stop();
  });

  it('are brought to every view by the process that follows them, once they are adopted', async () => {
    const following = followPolicies(region.wiring, (error) => {
      throw error;
    });
    await propose(CLOSES);
    while (!(await get('/policies')).at(-1).applied) await region.wiring.timers.sleep(5);
    const { record, fromView } = await readRecord(region.wiring, region.wiring.keys.patient(BERT), 'research');
    expect([fromView, record.policyVersion, record.entries]).toEqual([true, 2, []]);
    await following.stop();
  });
});

describe('the policy of the settings', () => {
  it('is the first one, and is said to differ once people adopted another', async () => {
    const region = await openRegion({ policy: WORDS });
    const said = async () => {
      const { name, settingsDiffer } = (await region.ask('/policy')).body;
      const status = (await region.ask('/status', { roles: ['operations'] })).body;
      expect(status.settingsDiffer).toBe(settingsDiffer);
      return [name, settingsDiffer, status.policyVersion];
    };
    expect(await said()).toEqual(['Words', false, 1]);
    const { policy } = await region.wiring.policies.current();
    await region.wiring.policies.adopt({ ...policy, ...CLOSES });
    expect(await said()).toEqual(['Closes', true, 2]);
    await region.close();
  });
});

describe('a policy whose plan takes longer than a request waits', () => {
  it('is adopted all the same, and may be asked after', async () => {
    let patience = 0;
    const sleep: typeof systemTimers.sleep = (ms, signal) => {
      if (ms !== 20_000) return systemTimers.sleep(ms, signal);
      patience += 1;
      return Promise.resolve();
    };
    const region = await openRegion({ service: { timers: { sleep } } });
    const document = CLOSES satisfies Omit<Policy, 'organisations'>;
    const { status, body } = await region.govern('anna', '/policies', { document, reason: 'The board agreed' });
    expect([status, body.state, patience]).toEqual([202, 'planning', 1]);
    expect(body.note).toContain('If that process ends first, nothing is adopted: send the same request again.');
    const state = async () => (await region.ask(`/policies/proposals/${body.id}`, { roles: ['governance'] })).body.state;
    while ((await state()) !== 'adopted') await systemTimers.sleep(5);
    expect((await region.ask('/policy')).body.name).toBe('Closes');
    await region.close();
  });
});
