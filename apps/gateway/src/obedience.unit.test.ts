import { bytesOf, EngineUnavailable, type EventBus, type EventStore } from '@weft/processing';
import { Committed } from './committed.js';
import { Obedience } from './obedience.js';

const decision = {
  at: { topic: 'weft.consent', partition: 1, offset: 7 },
  ...{ key: 'k1', source: 'urn:ods:RX901', id: 'd1', digest: 'what it says' },
};

interface Stored {
  readonly id: string;
  readonly digest: string;
  readonly unread?: true;
  readonly consentId?: string;
}

/**
 * A bus whose group has committed what `answers` say, one answer a question, one person's stream whose events stand at 10, 11 …, and a publisher that
 * has come as far as `published` says; time passes only in sleeps.
 */
function world(
  answers: readonly (number | Error)[],
  stored: Stored[] = [{ id: 'd1', digest: 'what it says' }],
  published: (asked: number) => number = () => 1_000,
  /** Events that the person’s stream had and has no more. */
  lost = 0,
) {
  let now = 0;
  let asked = 0;
  const committed = async () => {
    const answer = answers[Math.min(asked, answers.length - 1)]!;
    asked += 1;
    if (answer instanceof Error) throw answer;
    return [
      { partition: 0, offset: 1_000 },
      { partition: 1, offset: answer },
    ];
  };
  let looked = 0;
  const checkpoint = () => {
    const position = String(published(looked));
    looked += 1;
    return [{ type: 'published-1', revision: 0, position: '0', meta: {}, data: bytesOf(JSON.stringify({ position })) }];
  };
  const read = async (stream: string, { from = 0, backwards = false }: { from?: number; backwards?: boolean } = {}) => {
    if (stream === 'publisher-region') return checkpoint();
    const events = (stream === 'careRecord-k1' ? stored : []).map((one, place) => ({
      ...{ stream, type: 'decision-recorded-2', revision: place + lost, position: String(10 + place) },
      meta: {},
      data: bytesOf(JSON.stringify({ source: 'urn:ods:RX901', ...one })),
    }));
    return backwards ? events.slice(-1) : events.slice(from);
  };
  const comparePositions = (one: string, other: string) => Number(one) - Number(other);
  const readAll = async ({ after }: { after: string }) =>
    (await read('careRecord-k1')).filter(({ position }) => Number(position) > Number(after)).slice(0, 1);
  const head = async (stream: string) => (stream === 'careRecord-k1' ? stored.length : 0) - 1 + lost;
  const store = { read, head, readAll, comparePositions } as unknown as EventStore;
  const sleep = async (ms: number) => void (now += ms);
  const projector = new Committed({ committed } as unknown as EventBus, { now: () => now, steady: () => now }, { sleep });
  return { projector, obedience: new Obedience(projector, store), elapsed: () => now, asked: () => asked };
}

describe('obedience', () => {
  it('is not known before the projector has passed the message: its own offset, of its own partition', async () => {
    expect(await world([7]).obedience.outcomeOf(decision)).toBeNull();
    expect(await world([-1]).obedience.outcomeOf({ ...decision, at: { ...decision.at, offset: 0 } })).toBeNull();
    expect(await world([8]).obedience.outcomeOf(decision)).toMatchObject({ state: 'recorded' });
  });

  it('is read from the person’s own stream: a message that was passed and recorded nowhere is not obeyed', async () => {
    expect(await world([8], []).obedience.outcomeOf(decision)).toEqual({ state: 'absent' });
  });

  it('is no other decision’s under the same id', async () => {
    const other = [{ id: 'd1', digest: 'something else' }];
    expect(await world([8], other).obedience.outcomeOf(decision)).toEqual({ state: 'conflict' });
  });

  it('is told apart from a message that could not be read, which closes the person', async () => {
    const unread = [{ id: 'd1', digest: '', unread: true as const, consentId: 'weft.consent/1/7' }];
    expect(await world([8], unread).obedience.outcomeOf(decision)).toEqual({ state: 'closed' });
  });

  it('is not known of a person whose stream lost events, though the decision is in what is left', async () => {
    const { obedience } = world([8], [{ id: 'd1', digest: 'what it says' }], () => 1_000, 1);
    expect(await obedience.outcomeOf(decision)).toEqual({ state: 'absent' });
  });

  it('is not known before what the decision changed is published', async () => {
    expect(await world([8], undefined, () => 9).obedience.outcomeOf(decision)).toBeNull();
    expect(await world([8], undefined, () => 10).obedience.outcomeOf(decision)).toMatchObject({ state: 'recorded' });
    const unread = [{ id: 'd1', digest: '', unread: true as const, consentId: 'weft.consent/1/7' }];
    expect(await world([8], unread, () => 9).obedience.outcomeOf(decision)).toBeNull();
  });

  it('does not wait for what happens to the person afterwards', async () => {
    const stored: Stored[] = [{ id: 'd1', digest: 'what it says' }];
    const { obedience } = world([8], stored, (asked) => {
      stored.push({ id: `d${stored.length + 1}`, digest: 'another' });
      return 9 + asked;
    });
    expect(await obedience.wait(decision, 1_000)).toMatchObject({ state: 'recorded' });
  });

  it('is waited for, and no longer than it takes', async () => {
    const { obedience, elapsed } = world([-1, 7, 7, 8]);
    expect(await obedience.wait(decision, 10_000)).toMatchObject({ state: 'recorded' });
    expect(elapsed()).toBeLessThan(20);
  });

  it('is waited for until the limit and not beyond it', async () => {
    const { obedience, elapsed } = world([7]);
    expect(await obedience.wait(decision, 1_000)).toBeNull();
    expect(elapsed()).toBe(1_000);
  });

  it('is asked once also when nobody wants to wait', async () => {
    expect(await world([8]).obedience.wait(decision, 0)).toMatchObject({ state: 'recorded' });
    expect(await world([7]).obedience.wait(decision, 0)).toBeNull();
  });

  it('is still waited for while the bus is away: the decision is durable', async () => {
    const { obedience } = world([new EngineUnavailable('bus', 'away'), 8]);
    expect(await obedience.wait(decision, 1_000)).toMatchObject({ state: 'recorded' });
  });

  it('does not hide an error that waiting cannot mend', async () => {
    await expect(world([new TypeError('broken')]).obedience.wait(decision, 1_000)).rejects.toThrow('broken');
  });

  it('is one question to the bus, however many wait', async () => {
    const { obedience, asked } = world([8]);
    await Promise.all(Array.from({ length: 50 }, () => obedience.wait(decision, 1_000)));
    expect(asked()).toBe(1);
  });

  it('lets everyone go when the process stops', async () => {
    const { obedience, projector } = world([7]);
    projector.stop();
    expect(await obedience.wait(decision, 1e9)).toBeNull();
  });
});
