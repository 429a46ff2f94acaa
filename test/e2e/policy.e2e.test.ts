import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { consentOf } from '@weft/care-events';
import { type Authority, provision, PURPOSES, type Purpose, type PolicyPlan } from '@weft/domain';
import { type EventBus, recordChangesTopic } from '@weft/processing';
import { openEngines } from '@weft/service';
import { settled } from './account.js';
import { Load } from './load.js';
import { Processes, type Running } from './processes.js';

const POLICIES = join(import.meta.dirname, '..', 'policies');
const OPENS = join(POLICIES, 'dissent-of-care-alone.json');
const CLOSES = join(POLICIES, 'research-by-consent.json');
const BEYOND: readonly Purpose[] = ['population-health', 'research'];
/** Who of the forty decided what: every so many-th, so that some decided two things. */
const DECISIONS: readonly (readonly [
  every: number,
  authority: Authority,
  effect: 'permit' | 'deny',
  purposes: readonly Purpose[],
])[] = [
  [3, 'local-dissent', 'deny', BEYOND],
  [7, 'local-dissent', 'deny', ['direct-care']],
  [4, 'national-data-opt-out', 'deny', BEYOND],
  [5, 'type-1', 'deny', BEYOND],
  [6, 'explicit-consent', 'permit', ['research']],
];
/** So long after its adoption the process that brings a policy to every view is killed, in ms. */
const KILL_AFTER_MS = [0, 100, 400, 900];

describe('a policy, from its plan to every view and topic', () => {
  let region: Processes;
  let load: Load;
  let gateway: Running;
  let recordApi: Running;
  let optOutProjector: Running;
  let bus: EventBus;
  let closeEngines: () => Promise<void>;

  beforeAll(async () => {
    region = new Processes({});
    gateway = await region.start('gateway');
    await region.start('record-projector');
    optOutProjector = await region.start('opt-out-projector');
    recordApi = await region.start('record-api');
    load = new Load(region, gateway);
    await load.more(400);
    for (const [every, authority, effect, purposes] of DECISIONS) {
      for (const subject of load.people.filter((_, index) => index % every === 0))
        await decide(subject, authority, effect, purposes);
    }
    ({ bus, close: closeEngines } = await openEngines(region.settings));
    await settled(region, bus);
  }, 240_000);
  afterAll(async () => {
    await closeEngines?.();
    await region.close();
  });

  async function decide(
    subject: string,
    authority: Authority,
    effect: 'permit' | 'deny',
    purposes: readonly Purpose[],
  ): Promise<void> {
    const about = {
      subject,
      consentId: `${authority}-${effect}-${purposes.length}`,
      decidedBy: 'proxy',
      status: 'active',
    } as const;
    const response = await region.as(['governance'], `${gateway.url}/consents`, {
      method: 'POST',
      body: JSON.stringify(consentOf({ ...about, authority, provision: provision(effect, purposes) })),
      headers: { 'content-type': 'application/fhir+json', prefer: 'wait=60' },
    });
    expect(response.status).toBe(200);
  }

  const weft = async <T>(...words: readonly string[]) => {
    const { status, stdout, stderr } = await region.weft('policy', ...words, '--json', '--url', recordApi.url);
    return { status, stderr, answer: JSON.parse(stdout) as T };
  };

  /** Of each purpose, what is read of each person. */
  async function shown(): Promise<ReadonlyMap<Purpose, readonly ReadonlySet<string>[]>> {
    const ofPurpose = async (purpose: Purpose) =>
      Promise.all(
        load.people.map(async (person) => {
          const response = await region.as(['governance'], `${recordApi.url}/records/${person}?purpose=${purpose}`);
          const { entries } = (await response.json()) as { entries: readonly { id: string }[] };
          return new Set(entries.map(({ id }) => id));
        }),
      );
    return new Map(await Promise.all(PURPOSES.map(async (purpose) => [purpose, await ofPurpose(purpose)] as const)));
  }

  type Shown = Awaited<ReturnType<typeof shown>>;

  /** In the form of a plan, what one has that the other has not. */
  function more(than: Shown, is: Shown) {
    const counts = (purpose: Purpose) =>
      is.get(purpose)!.map((ids, person) => [...ids].filter((id) => !than.get(purpose)![person]!.has(id)).length);
    return PURPOSES.map((purpose) => ({
      purpose,
      people: counts(purpose).filter((count) => count > 0).length,
      entries: counts(purpose).reduce((sum, count) => sum + count, 0),
    }));
  }

  const planned = (plan: PolicyPlan, which: 'opened' | 'closed') =>
    PURPOSES.map((purpose) => ({ purpose, ...plan.purposes[purpose][which] }));

  const versions = async (): Promise<readonly { version: number; applied: boolean }[]> =>
    (await region.as(['governance'], `${recordApi.url}/policies`)).json() as never;

  async function applied(version: number): Promise<void> {
    while ((await versions()).find((one) => one.version === version)?.applied !== true) await sleep(50);
  }

  /** What stands on each purpose's topic, and so in every subscriber's copy. */
  async function told(purpose: Purpose): Promise<number> {
    const standing = new Map<string, boolean>();
    for (const { partition, low, high } of await bus.offsets(recordChangesTopic(purpose))) {
      for (let from = low; from < high;) {
        const messages = await bus.read(recordChangesTopic(purpose), partition, from);
        for (const { key, value } of messages) standing.set(key, value !== null);
        from = (messages.at(-1)?.offset ?? high) + 1;
      }
    }
    return [...standing.values()].filter(Boolean).length;
  }

  /** What a subscriber holds of a purpose, key by key with whose it is, and where it goes on. */
  interface Copy {
    readonly held: ReadonlyMap<string, string>;
    readonly cursor?: string | undefined;
  }

  /** As whoever follows the feed over HTTP has it once they are up to now. */
  async function followed(purpose: Purpose, { held: before, cursor: last }: Copy = { held: new Map() }): Promise<Copy> {
    const held = new Map(before);
    let cursor = last;
    const from = last === undefined ? 'from=beginning' : `after=${encodeURIComponent(last)}`;
    const who = { organisation: 'RX902', subject: `copy of ${purpose}` };
    const { body } = await region.as(['subscriber'], `${recordApi.url}/record-changes/${purpose}?${from}`, who);
    const input = Readable.fromWeb(body as never);
    for await (const line of createInterface({ input })) {
      if (line === '') break;
      const change = JSON.parse(line) as { key: string; kind: string; subject: string; cursor?: string };
      if (change.kind === 'withdrawn') held.delete(change.key);
      else held.set(change.key, change.subject);
      cursor = change.cursor ?? cursor;
    }
    input.destroy();
    return { held, cursor };
  }

  /** In the form of a plan, what one copy has that the other has not. */
  function moreHeld({ held: than }: Copy, { held: is }: Copy) {
    const added = [...is].filter(([key]) => !than.has(key));
    return { people: new Set(added.map(([, subject]) => subject)).size, entries: added.length };
  }

  async function expectAllObey(): Promise<void> {
    expect((await region.weft('verify')).status).toBe(0);
    const now = await shown();
    for (const purpose of PURPOSES) expect(await told(purpose)).toBe(now.get(purpose)!.reduce((sum, ids) => sum + ids.size, 0));
  }

  it.each([
    ['opens', OPENS, 2],
    ['closes', CLOSES, 3],
  ])(
    'one that %s does exactly what its plan says, to every view and to every subscriber’s copy',
    async (kind, file, version) => {
      const before = await shown();
      const copies = new Map(await Promise.all(PURPOSES.map(async (purpose) => [purpose, await followed(purpose)] as const)));
      const plan = (await weft<PolicyPlan & { opens: boolean }>('plan', file)).answer;
      expect(plan.opens).toBe(kind === 'opens');
      expect(plan.purposes.research[kind === 'opens' ? 'opened' : 'closed'].entries).toBeGreaterThan(0);
      expect(await shown()).toEqual(before);
      const proposal = await weft<{ id: string; state: string }>(
        'adopt',
        file,
        '--reason',
        'The board agreed',
        '--subject',
        'anna',
      );
      expect([proposal.status, proposal.answer.state]).toEqual([0, kind === 'opens' ? 'waiting' : 'adopted']);
      if (kind === 'opens') {
        expect((await weft('authorise', proposal.answer.id, '--subject', 'anna')).status).toBe(1);
        expect(await shown()).toEqual(before);
        expect((await weft('authorise', proposal.answer.id, '--subject', 'bert')).status).toBe(0);
      }
      await applied(version);
      const after = await shown();
      expect(more(before, after)).toEqual(planned(plan, 'opened'));
      expect(more(after, before)).toEqual(planned(plan, 'closed'));
      await expectAllObey();
      for (const [purpose, copy] of copies) {
        const now = await followed(purpose, copy);
        const figures = { opened: moreHeld(copy, now), closed: moreHeld(now, copy) };
        const { subscribers } = plan.purposes[purpose];
        expect(subscribers).toEqual([
          { organisation: 'RX902', subject: `copy of ${purpose}`, lastBegan: expect.any(String), ...figures },
        ]);
      }
    },
    240_000,
  );

  it('stays in force where the settings name another one, however often the opt-out-projector starts', async () => {
    const before = await versions();
    for (let time = 0; time < 2; time += 1) {
      await optOutProjector.end('SIGTERM');
      optOutProjector = await region.start('opt-out-projector', { WEFT_POLICY: OPENS });
    }
    expect(await versions()).toEqual(before);
    await recordApi.end('SIGTERM');
    recordApi = await region.start('record-api', { WEFT_POLICY: OPENS });
    expect((await weft('show')).answer).toMatchObject({ version: before.length, settingsDiffer: true });
  });

  it('is brought to every view and topic by the running opt-out-projector, however often that is killed', async () => {
    let version = (await versions()).length;
    for (const [index, afterMs] of KILL_AFTER_MS.entries()) {
      const { answer } = await weft<{ id: string; state: string }>(
        'adopt',
        index % 2 === 0 ? OPENS : CLOSES,
        '--reason',
        'Again',
        '--subject',
        'anna',
      );
      if (answer.state === 'waiting') expect((await weft('authorise', answer.id, '--subject', 'bert')).status).toBe(0);
      version += 1;
      await sleep(afterMs);
      await optOutProjector.end('SIGKILL');
      optOutProjector = await region.start('opt-out-projector');
      if (index % 2 === 1) await applied(version);
    }
    await expectAllObey();
  }, 240_000);
});
