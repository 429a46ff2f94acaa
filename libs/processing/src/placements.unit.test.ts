import { provision, type CareEvent, type Purpose } from '@weft/domain';
import { World } from '@weft/testing';
import { applyDecisions } from './apply-decisions.js';
import { EngineUnavailable } from './errors.js';
import { explainRecord } from './explain-record.js';
import { loadNumber } from './number.js';
import { placeEntries, sightingsIn, sightingsOf } from './placements.js';
import type { EventStore } from './ports.js';
import { RecordCareEvents } from './record-care-events.js';
import {
  ANNE,
  arriving,
  BERT,
  decide,
  decisionMessage,
  idleRegion,
  ids,
  merge,
  observation,
  publish,
  published,
  publishes,
  read,
  region,
  standingOnTopic,
  unmerge,
} from './region.fixture.js';
import { Reviews } from './reviews.js';
import { CARE_RECORD_PREFIX, careRecordStream } from './streams.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const X = 'RX901/Observation/x';
const CARA = '9990000034';

/** A version of one entry. */
const version = (subject: string, versionId: number | null, more: object = {}): CareEvent => {
  const meta = versionId === null ? {} : { meta: { versionId: String(versionId) } };
  const resource = {
    resourceType: 'Observation',
    id: 'x',
    status: 'final',
    valueString: `${subject} ${versionId}`,
    ...meta,
    ...more,
  };
  return observation(subject, 'x', { resource });
};
const retraction = (subject: string, versionId: number | null): CareEvent => {
  const meta = versionId === null ? {} : { meta: { versionId: String(versionId) } };
  const resource = { resourceType: 'Observation', id: 'x', ...meta };
  return observation(subject, 'x', { type: 'care-event-retracted-1', resource });
};

let offset = 5_000;
const record = (wiring: Wiring, ...events: CareEvent[]) =>
  new RecordCareEvents(wiring).handle({ messages: events.map((event) => ({ ...arriving(event), offset: (offset += 1) })) });
const applied = (wiring: Wiring, subject: string, purposes: readonly Purpose[]) =>
  applyDecisions(wiring, {
    messages: [
      {
        ...decisionMessage(wiring, subject, provision('deny', purposes)),
        partition: 0,
        offset: (offset += 1),
        timestamp: wiring.clock.now(),
      },
    ],
  });

const NUMBERS = [ANNE, BERT, CARA];
/** Who has the entry, by purpose. */
async function holders(wiring: Wiring, purpose: Purpose = 'direct-care'): Promise<string[]> {
  const found = await Promise.all(
    NUMBERS.map(async (number) => [number, (await read(wiring, number, purpose)).record.entries.length] as const),
  );
  return found.flatMap(([number, entries]) => (entries > 0 ? [number] : []));
}

async function inLine(wiring: Wiring): Promise<void> {
  expect(await verifyViews(wiring, { patience: 1 })).toMatchObject({ differing: [] });
  for (const purpose of ['direct-care', 'research'] as const)
    expect(await standingOnTopic(wiring, purpose)).toBe((await holders(wiring, purpose)).length);
}

const toReview = async (wiring: Wiring, subject: string) => (await read(wiring, subject, 'direct-care')).misplaced;
const corrected = async (wiring: Wiring, subject: string) =>
  (await explainRecord(wiring, wiring.keys.patient(subject))).corrected.map(({ what }) => what);

describe('a later version of an entry under another NHS number', () => {
  it('takes it from the number that had it, tells the subscribers of both, and says so to both', async () => {
    const { wiring } = await region();
    await publish(wiring, [version(ANNE, 1)]);
    expect(await holders(wiring)).toEqual([ANNE]);
    await publish(wiring, [version(BERT, 2)]);
    expect([await holders(wiring), await holders(wiring, 'research')]).toEqual([[BERT], [BERT]]);
    expect([await corrected(wiring, ANNE), await corrected(wiring, BERT)]).toEqual([['moved-away'], ['moved-here']]);
    expect([await toReview(wiring, ANNE), await toReview(wiring, BERT)]).toEqual([[], [X]]);
    expect(await new Reviews(wiring.store).count()).toEqual({ people: 1, organisations: { RX901: 1 } });
    await inLine(wiring);
    await publish(wiring, [version(BERT, 3)]);
    expect(await new Reviews(wiring.store).count()).toEqual({ people: 0, organisations: {} });
    await inLine(wiring);
  });

  it('takes it back by a still later one, and not by one that came late', async () => {
    const { wiring } = await region();
    await publish(wiring, [version(ANNE, 2)]);
    await publish(wiring, [version(BERT, 4)]);
    await publish(wiring, [version(ANNE, 3)]);
    expect(await holders(wiring)).toEqual([BERT]);
    await publish(wiring, [version(ANNE, 5)]);
    expect(await holders(wiring)).toEqual([ANNE]);
    await publish(wiring, [version(BERT, 1)]);
    expect(await holders(wiring)).toEqual([ANNE]);
    expect((await read(wiring, ANNE, 'direct-care')).record.entries[0]?.resource['valueString']).toBe(`${ANNE} 5`);
    await inLine(wiring);
  });

  it.each<[string, CareEvent[], string[]]>([
    ['a later retraction under the other', [version(ANNE, 1), retraction(BERT, 2)], []],
    ['an earlier retraction under the other', [version(ANNE, 2), retraction(BERT, 1)], [ANNE]],
    ['a retraction under the first, though it came last', [version(ANNE, 1), version(BERT, 3), retraction(ANNE, 2)], [BERT]],
    ['a bare retraction under the first', [version(ANNE, 1), version(BERT, 2), retraction(ANNE, null)], [BERT]],
    ['an earlier version that came after', [version(BERT, 2), version(ANNE, 1)], [BERT]],
    ['three numbers', [version(CARA, 3), version(ANNE, 1), version(BERT, 2)], [CARA]],
    ['no version at all', [version(ANNE, null), version(BERT, null)], [ANNE, BERT]],
    ['one version of two people', [version(ANNE, 1), version(BERT, 1), version(BERT, 2)], [ANNE, BERT]],
  ])('goes by the order of versions: %s', async (_, events, expected) => {
    const { wiring } = await region();
    for (const event of events) await publish(wiring, [event]);
    expect(await holders(wiring)).toEqual(expected);
    await inLine(wiring);
  });

  it('leaves it with both, to be reviewed, where nobody can tell, until one is taken back', async () => {
    const { wiring } = await region();
    await publish(wiring, [version(ANNE, 1)]);
    await publish(wiring, [version(BERT, 1)]);
    expect([await toReview(wiring, ANNE), await toReview(wiring, BERT)]).toEqual([[X], [X]]);
    expect([await corrected(wiring, ANNE), await corrected(wiring, BERT)]).toEqual([['unclear'], ['unclear']]);
    expect(await new Reviews(wiring.store).count()).toEqual({ people: 2, organisations: { RX901: 2 } });
    await publish(wiring, [retraction(ANNE, null)]);
    expect(await holders(wiring)).toEqual([BERT]);
    await inLine(wiring);
  });

  it('of another source is another entry', async () => {
    const { wiring } = await region();
    await publish(wiring, [version(ANNE, 1), { ...version(BERT, 2), source: 'urn:ods:RX901:lab' }]);
    expect(await holders(wiring)).toEqual([ANNE, BERT]);
  });

  it('is the person’s, and no move, where the numbers are one; what moved away stays away through a merge and its undoing', async () => {
    const { wiring } = await region();
    await publish(wiring, [version(ANNE, 1)]);
    await publish(wiring, [merge(ANNE, BERT)]);
    await publish(wiring, [version(BERT, 2)]);
    expect(await ids(wiring, BERT)).toEqual([X]);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect(await holders(wiring)).toEqual([ANNE]);
    await publish(wiring, [version(BERT, 3)]);
    expect(await holders(wiring)).toEqual([BERT]);
    await publish(wiring, [merge(ANNE, BERT)]);
    await publish(wiring, [version(ANNE, 4)]);
    expect(await ids(wiring, BERT)).toEqual([X]);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect(await holders(wiring)).toEqual([BERT]);
    await inLine(wiring);
  });
});

describe('what protected an entry', () => {
  it('follows it to the number that a later version names, for as long as it was meant to', async () => {
    const { wiring } = await region();
    await publish(wiring, [version(ANNE, 1)]);
    await decide(wiring, ANNE, ['research', 'direct-care'], 'deny');
    await publish(wiring, [version(BERT, 2), observation(BERT, 'other')]);
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/other']);
    expect((await read(wiring, BERT, 'research')).record.entries).toHaveLength(1);
    await decide(wiring, ANNE, ['research', 'direct-care'], 'permit');
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/other']);
    await publish(wiring, [version(ANNE, 3)]);
    expect([await ids(wiring, ANNE), await ids(wiring, BERT)]).toEqual([[X], ['RX901/Observation/other']]);
    expect(await verifyViews(wiring, { patience: 1 })).toMatchObject({ differing: [] });
  });

  it('is there before anybody can see the later version, whoever is to place it', async () => {
    const wiring = await idleRegion(new World({ seed: 1 }), async () => {});
    await record(wiring, version(ANNE, 1));
    await applied(wiring, ANNE, ['direct-care']);
    await placed(wiring);
    await record(wiring, version(BERT, 2));
    expect(await holders(wiring)).toEqual([]);
    await placed(wiring);
    expect(await holders(wiring)).toEqual([]);
    expect((await loadNumber(wiring.store, wiring.keys.patient(BERT))).decisions).toHaveLength(1);
  });

  it('follows it also where the later version came first, and from what had been taken back', async () => {
    const { wiring } = await region();
    await decide(wiring, ANNE, ['direct-care'], 'deny');
    await publish(wiring, [version(BERT, 3)]);
    expect(await holders(wiring)).toEqual([BERT]);
    await publish(wiring, [version(ANNE, 1)]);
    expect(await holders(wiring)).toEqual([]);
    await publish(wiring, [retraction(ANNE, 4)]);
    await publish(wiring, [version(CARA, 5)]);
    expect(await holders(wiring)).toEqual([]);
    await inLine(wiring);
  });

  it('follows it from what was taken back to a version of no age that stands where it was taken back too', async () => {
    const { wiring } = await region();
    await publish(wiring, [version(ANNE, 1)]);
    await decide(wiring, ANNE, ['direct-care'], 'deny');
    await publish(wiring, [retraction(ANNE, null)]);
    await publish(wiring, [retraction(BERT, 1)]);
    await publish(wiring, [version(BERT, null)]);
    expect([await holders(wiring), await holders(wiring, 'research')]).toEqual([[], [BERT]]);
    expect(await corrected(wiring, BERT)).toEqual(['moved-here']);
    await inLine(wiring);
  });
});

/** What the publisher does first. */
const placed = async (wiring: Wiring) =>
  placeEntries(wiring, sightingsIn(await wiring.store.readAll({ prefixes: [CARE_RECORD_PREFIX] })), (_, error) => {
    throw error;
  });

describe('whoever places an entry', () => {
  /** A store that is killed at the nth append: before it, or behind it with no word of it. */
  function killed(wiring: Wiring, nth: number, when: 'before' | 'after') {
    const appends = { left: nth, isOver: false };
    const append: EventStore['append'] = async (...call) => {
      appends.left -= 1;
      const isLast = appends.left === 0;
      if (isLast && when === 'after') await wiring.store.append(...call);
      if (appends.left <= 0) {
        appends.isOver = true;
        throw new EngineUnavailable('store', 'killed');
      }
      return wiring.store.append(...call);
    };
    return { appends, wiring: { ...wiring, store: Object.create(wiring.store, { append: { value: append } }) as EventStore } };
  }

  it.each(['before', 'after'] as const)('may be killed %s every append: who comes next ends what was begun', async (when) => {
    let kills = 0;
    for (let nth = 1, isOver = true; isOver; nth += 1) {
      const world = new World({ seed: 1 });
      const wiring = await idleRegion(world, async () => {});
      await record(wiring, version(ANNE, 1));
      await applied(wiring, ANNE, ['research']);
      // Nobody knows yet that Anne has it.
      await record(wiring, version(BERT, 2));
      const dying = killed(wiring, nth, when);
      await placed(dying.wiring).catch((error: unknown) => {
        if (!(error instanceof EngineUnavailable)) throw error;
      });
      isOver = dying.appends.isOver;
      kills += isOver ? 1 : 0;
      world.process('publisher', publishes());
      await published(wiring);
      expect([await holders(wiring), await holders(wiring, 'research')]).toEqual([[BERT], []]);
      expect((await loadNumber(wiring.store, wiring.keys.patient(BERT))).decisions).toHaveLength(1);
      expect(await toReview(wiring, BERT)).toEqual([X]);
      await inLine(wiring);
    }
    expect(kills).toBeGreaterThanOrEqual(5);
  });

  it.each(['before', 'after'] as const)('finds what a projector that was killed %s every append left', async (when) => {
    let kills = 0;
    for (let nth = 1, isOver = true; isOver; nth += 1) {
      const world = new World({ seed: 1 });
      const wiring = await idleRegion(world, async () => {});
      await record(wiring, version(ANNE, 1));
      await applied(wiring, ANNE, ['research']);
      await placed(wiring);
      const dying = killed(wiring, nth, when);
      const messages = [{ ...arriving(version(BERT, 2)), offset: (offset += 1) }];
      await new RecordCareEvents(dying.wiring).handle({ messages }).catch((error: unknown) => {
        if (!(error instanceof EngineUnavailable)) throw error;
      });
      isOver = dying.appends.isOver;
      kills += isOver ? 1 : 0;
      expect(await holders(wiring, 'research')).toEqual([]);
      await new RecordCareEvents(wiring).handle({ messages });
      world.process('publisher', publishes());
      await published(wiring);
      expect([await holders(wiring), await holders(wiring, 'research')]).toEqual([[BERT], []]);
      await inLine(wiring);
    }
    expect(kills).toBeGreaterThanOrEqual(5);
  });

  it.each([
    ['by its event', async (wiring: Wiring, after: string) => sightingsIn(await wiring.store.readAll({ after }))],
    ['by its record', async (wiring: Wiring) => sightingsOf(await loadNumber(wiring.store, wiring.keys.patient(BERT)))],
  ])('finds %s what a projector that was killed left of a version of no age', async (_, sightings) => {
    let kills = 0;
    for (let nth = 1, isOver = true; isOver; nth += 1) {
      const wiring = await idleRegion(new World({ seed: 1 }), async () => {});
      await record(wiring, version(ANNE, 1));
      await record(wiring, retraction(BERT, null));
      await placed(wiring);
      const { position } = (await wiring.store.readAll()).at(-1)!;
      const dying = killed(wiring, nth, 'after');
      const messages = [{ ...arriving(version(BERT, null)), offset: (offset += 1) }];
      await new RecordCareEvents(dying.wiring).handle({ messages }).catch((error: unknown) => {
        if (!(error instanceof EngineUnavailable)) throw error;
      });
      isOver = dying.appends.isOver;
      kills += isOver ? 1 : 0;
      await new RecordCareEvents(wiring).handle({ messages });
      await placeEntries(wiring, await sightings(wiring, position), (__, error) => {
        throw error;
      });
      expect([nth, await holders(wiring)]).toEqual([nth, [ANNE, BERT]]);
    }
    expect(kills).toBeGreaterThanOrEqual(2);
  });

  it('comes to the same where two do, and versions of both numbers are recorded meanwhile', async () => {
    const world = new World({ seed: 1 });
    const wiring = await idleRegion(world, async () => {});
    await Promise.all([record(wiring, version(ANNE, 1)), record(wiring, version(BERT, 2)), record(wiring, version(CARA, 3))]);
    await Promise.all([placed(wiring), placed(wiring), record(wiring, version(ANNE, 4)), applied(wiring, CARA, ['research'])]);
    world.process('publisher', publishes());
    world.process('another', publishes());
    await published(wiring);
    expect(await holders(wiring)).toEqual([ANNE]);
    await inLine(wiring);
  });

  it('goes by whoever was noted to have it since it looked, and was placed by then', async () => {
    const wiring = await idleRegion(new World({ seed: 1 }), async () => {});
    await record(wiring, version(ANNE, 1));
    await record(wiring, retraction(BERT, null));
    let met = false;
    const read: EventStore['read'] = async (stream, options) => {
      if (!met && stream === careRecordStream(wiring.keys.patient(ANNE))) {
        met = true;
        await record(wiring, version(CARA, 2));
        await placed(wiring);
      }
      return wiring.store.read(stream, options);
    };
    await placed({ ...wiring, store: Object.create(wiring.store, { read: { value: read } }) as EventStore });
    expect([met, await holders(wiring)]).toEqual([true, [CARA]]);
  });

  it('takes along what was denied while it was about to leave', async () => {
    const world = new World({ seed: 1 });
    const wiring = await idleRegion(world, async () => {});
    await record(wiring, version(ANNE, 1));
    await record(wiring, version(BERT, 2));
    let met = false;
    const append: EventStore['append'] = async (stream, ...call) => {
      if (!met && stream === careRecordStream(wiring.keys.patient(ANNE))) {
        met = true;
        await applied(wiring, ANNE, ['direct-care']);
      }
      return wiring.store.append(stream, ...call);
    };
    await placed({ ...wiring, store: Object.create(wiring.store, { append: { value: append } }) as EventStore });
    expect(met).toBe(true);
    expect(await holders(wiring)).toEqual([]);
  });

  it('appends nothing to any record for an entry that one number has, and one small event in all', async () => {
    const wiring = await idleRegion(new World({ seed: 1 }), async () => {});
    await record(wiring, version(ANNE, 1), observation(ANNE, 'unversioned'), version(ANNE, 2));
    const before = (await wiring.store.readAll()).length;
    await placed(wiring);
    await placed(wiring);
    expect((await wiring.store.readAll()).length - before).toBe(1);
  });
});
