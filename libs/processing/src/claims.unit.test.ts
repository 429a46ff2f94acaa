import type { CareEvent } from '@weft/domain';
import { eventMessage, World } from '@weft/testing';
import { EngineUnavailable } from './errors.js';
import { loadNumber } from './number.js';
import type { Message } from './ports.js';
import { listQuarantine, type Quarantined, redrive } from './quarantine.js';
import { RecordCareEvents } from './record-care-events.js';
import {
  ANNE,
  arriving,
  BERT,
  ids,
  idleRegion,
  merge,
  observation,
  publish,
  projects,
  region,
  unmerge,
} from './region.fixture.js';
import { careEventsTopic, RECORD_PROJECTOR_GROUP, recordChangesTopic } from './topics.js';
import type { Wiring } from './wiring.js';

/** The trust is the demographics service; the practice is an organisation like any other. */
const practice = (event: CareEvent): CareEvent => ({ ...event, organisation: 'Y90001', source: 'urn:ods:Y90001' });
const death = (subject: string): CareEvent =>
  observation(subject, 'p', {
    type: 'patient-died-1',
    resource: { resourceType: 'Patient', id: 'p', deceasedBoolean: true },
  });
const send = ({ bus }: Wiring, events: readonly CareEvent[]) =>
  bus.publish(events.map((event) => eventMessage(careEventsTopic(event.organisation), event.subject, event)));
const codes = async ({ bus }: Wiring): Promise<string[]> =>
  (await listQuarantine(bus)).flatMap(({ problems }) => problems.map(({ code }) => code));
const isMerged = async ({ store, keys }: Wiring, subject = ANNE): Promise<boolean> =>
  (await loadNumber(store, keys.patient(subject))).identity.supersededBy !== null;
const died = async ({ store, keys }: Wiring, subject: string): Promise<boolean> =>
  [...(await loadNumber(store, keys.patient(subject))).record.entries.values()].some(
    ({ resource }) => resource?.['deceasedBoolean'],
  );

async function noDemographicsService({ policies }: Wiring): Promise<void> {
  const { policy } = await policies.current();
  await policies.adopt({ ...policy, identity: { demographics: [] } });
}

describe('a merge', () => {
  it('counts from an organisation that has recorded something about each number, if only to take it back', async () => {
    const { wiring } = await region();
    const retracted = { resourceType: 'Observation', id: 'b' };
    const retraction = observation(BERT, 'b', { type: 'care-event-retracted-1', resource: retracted });
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b'), retraction, merge(ANNE, BERT)].map(practice));
    expect(await isMerged(wiring)).toBe(true);
    expect(await codes(wiring)).toEqual([]);
  });

  it('counts from the demographics service, whatever that has recorded', async () => {
    const { wiring } = await region();
    await publish(wiring, [practice(observation(ANNE, 'a')), practice(observation(BERT, 'b'))]);
    await publish(wiring, [merge(ANNE, BERT)]);
    expect(await isMerged(wiring)).toBe(true);
  });

  it.each([
    ['nothing', []],
    ['something about the number that gives way only', [ANNE]],
    ['something about the surviving number only', [BERT]],
  ])('stands in quarantine from an organisation that has recorded %s', async (_, known) => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
    await publish(wiring, [...known.map((number) => observation(number, 'k')), merge(ANNE, BERT)].map(practice));
    expect(await isMerged(wiring)).toBe(false);
    expect(await codes(wiring)).toEqual(['not-yours-to-merge']);
    expect(await ids(wiring, BERT)).toContain('RX901/Observation/b');
  });

  it('stands in quarantine from an organisation that has merged the numbers before, and recorded nothing', async () => {
    const { wiring } = await region();
    for (const [one, other] of [
      [ANNE, BERT],
      [BERT, ANNE],
    ] as const)
      await publish(wiring, [merge(one, other), unmerge(one, other)]);
    await noDemographicsService(wiring);
    await publish(wiring, [merge(ANNE, BERT)]);
    expect(await codes(wiring)).toEqual(['not-yours-to-merge']);
  });

  it('is kept as it came, names no number, and counts once redriven after its organisation has recorded something', async () => {
    const { wiring } = await region();
    const refused = practice(merge(ANNE, BERT));
    await publish(wiring, [refused]);
    const [quarantined] = await listQuarantine(wiring.bus);
    expect(JSON.parse(new TextDecoder().decode(quarantined?.value))).toEqual(refused);
    expect(JSON.stringify(quarantined?.problems)).not.toMatch(/\d{10}/);
    await publish(wiring, [practice(observation(ANNE, 'a')), practice(observation(BERT, 'b'))]);
    await redrive(wiring.bus, quarantined as Quarantined);
    await publish(wiring, []);
    expect(await isMerged(wiring)).toBe(true);
    expect(await codes(wiring)).toEqual([]);
  });

  it('that was refused stays refused when it is given again, though it would count by now', async () => {
    const wiring = await idleRegion();
    const messages = [arriving(practice(merge(ANNE, BERT)))];
    await new RecordCareEvents(wiring).handle({ messages });
    const known = [ANNE, BERT].map((number, at) => ({ ...arriving(practice(observation(number, 'k'))), offset: 1_001 + at }));
    await new RecordCareEvents(wiring).handle({ messages: known });
    await new RecordCareEvents(wiring).handle({ messages });
    expect(await isMerged(wiring)).toBe(false);
    expect(await codes(wiring)).toEqual(['not-yours-to-merge']);
  });

  it('that was begun is made to its end, though the policy has changed meanwhile', async () => {
    const wiring = await idleRegion();
    const messages = [arriving(merge(ANNE, BERT))];
    const { store } = wiring;
    const append: typeof store.append = (stream, expected, events, options) =>
      events.some(({ type }) => type === 'number-absorbed-1')
        ? Promise.reject(new EngineUnavailable('store', 'killed'))
        : store.append(stream, expected, events, options);
    const dying = { ...wiring, store: Object.create(store, { append: { value: append } }) as typeof store };
    await expect(new RecordCareEvents(dying).handle({ messages })).rejects.toThrow('killed');
    await noDemographicsService(wiring);
    await new RecordCareEvents(wiring).handle({ messages });
    expect((await loadNumber(store, wiring.keys.patient(BERT))).identity.absorbed).toEqual([wiring.keys.patient(ANNE)]);
    expect(await codes(wiring)).toEqual([]);
  });
});

describe('the undoing of a merge', () => {
  const known = [observation(ANNE, 'a'), observation(BERT, 'b')].map(practice);

  it('counts from the organisation that made the merge, and from the demographics service', async () => {
    const { wiring } = await region();
    await publish(wiring, [...known, practice(merge(ANNE, BERT))]);
    await publish(wiring, [practice(unmerge(ANNE, BERT))]);
    expect(await isMerged(wiring)).toBe(false);
    await publish(wiring, [practice(merge(ANNE, BERT))]);
    expect(await isMerged(wiring)).toBe(true);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect(await isMerged(wiring)).toBe(false);
    expect(await codes(wiring)).toEqual([]);
  });

  it('stands in quarantine from another, though it has recorded something about each number', async () => {
    const { wiring } = await region();
    await publish(wiring, [...known, merge(ANNE, BERT)]);
    await publish(wiring, [practice(unmerge(ANNE, BERT))]);
    expect(await isMerged(wiring)).toBe(true);
    expect(await codes(wiring)).toEqual(['not-yours-to-unmerge']);
  });

  it('is refused where nothing is merged, whoever asks', async () => {
    const { wiring } = await region();
    await publish(wiring, [practice(unmerge(ANNE, BERT))]);
    expect(await codes(wiring)).toEqual(['not-merged']);
  });
});

describe('a death', () => {
  it('counts from an organisation that has recorded something about the person, and from the demographics service', async () => {
    const { wiring } = await region();
    await publish(wiring, [practice(observation(ANNE, 'a')), practice(death(ANNE)), death(BERT)]);
    expect([await died(wiring, ANNE), await died(wiring, BERT)]).toEqual([true, true]);
    expect(await codes(wiring)).toEqual([]);
  });

  it('stands in quarantine from another, and what comes behind it is recorded', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    await publish(wiring, [practice(death(ANNE)), practice(observation(ANNE, 'after'))]);
    expect(await died(wiring, ANNE)).toBe(false);
    expect(await codes(wiring)).toEqual(['not-yours-to-record-a-death']);
    expect(await ids(wiring, ANNE)).toContain('Y90001/Observation/after');
  });

  it('counts as the policy has it, whatever came before it in its batch', async () => {
    const wiring = await idleRegion();
    const { policy } = await wiring.policies.current();
    await wiring.policies.adopt({ ...policy, identity: { deaths: ['demographics'] } });
    const messages = [arriving(practice(observation(ANNE, 'a'))), { ...arriving(practice(death(ANNE))), offset: 1_001 }];
    await new RecordCareEvents(wiring).handle({ messages });
    expect(await codes(wiring)).toEqual(['not-yours-to-record-a-death']);
  });

  it('that was redriven and accepted does not come back to quarantine when it is given again where it was refused', async () => {
    const wiring = await idleRegion();
    const messages = [arriving(practice(death(ANNE)))];
    const projector = new RecordCareEvents(wiring);
    await projector.handle({ messages });
    await projector.handle({ messages: [{ ...arriving(practice(observation(ANNE, 'a'))), offset: 1_001 }] });
    const [refused] = await listQuarantine(wiring.bus);
    const { topic, partition, offset } = await redrive(wiring.bus, refused as Quarantined);
    await projector.handle({ messages: await wiring.bus.read(topic, partition, offset) });
    await projector.handle({ messages });
    expect(await died(wiring, ANNE)).toBe(true);
    expect(await codes(wiring)).toEqual([]);
  });

  it('that was refused stays refused when it is given again, though it would count by now', async () => {
    const wiring = await idleRegion();
    const messages = [arriving(practice(death(ANNE))), { ...arriving(practice(observation(ANNE, 'after'))), offset: 1_001 }];
    for (let times = 0; times < 2; times += 1) await new RecordCareEvents(wiring).handle({ messages });
    expect(await died(wiring, ANNE)).toBe(false);
    expect(await codes(wiring)).toEqual(['not-yours-to-record-a-death']);
  });

  it('that was accepted stays accepted when it is given again, though it would not count by now', async () => {
    const wiring = await idleRegion();
    const messages = [arriving(death(ANNE))];
    await new RecordCareEvents(wiring).handle({ messages });
    await noDemographicsService(wiring);
    await new RecordCareEvents(wiring).handle({ messages });
    expect(await died(wiring, ANNE)).toBe(true);
    expect(await codes(wiring)).toEqual([]);
  });
});

describe('the order of an organisation’s events in several partitions', () => {
  // Of two partitions Anne and Cara are in one, Bert and Dora in the other.
  const [CARA, DORA] = ['9990000034', '9990000042'];
  const MINUTE_MS = 60_000;

  /** A region that the practice has published these events to, a millisecond after each other, and has told of Anne and Dora long ago. */
  async function published(events: readonly CareEvent[]) {
    const world = new World({ seed: 1 });
    const wiring = await idleRegion(world);
    const known = [ANNE, DORA].map((number, at) => ({ ...arriving(practice(observation(number, 'k'))), offset: 1_000 + at }));
    await new RecordCareEvents(wiring).handle({ messages: known });
    for (const event of events) {
      world.scheduler.now += 1;
      await send(wiring, [practice(event)]);
    }
    /** All that stands in the partition of a number. */
    const batchOf = async (number: string): Promise<Message[]> => {
      const all = await Promise.all([0, 1].map((partition) => wiring.bus.read(careEventsTopic('Y90001'), partition, 0)));
      return all.find((messages) => messages.some(({ key }) => key === number)) ?? [];
    };
    return { world, wiring, projector: new RecordCareEvents(wiring), batchOf };
  }

  it('has a merge wait for what was published before it, and then makes it', async () => {
    const { wiring, projector, batchOf } = await published([observation(BERT, 'b'), merge(ANNE, BERT)]);
    const messages = await batchOf(ANNE);
    await expect(projector.handle({ messages })).rejects.toThrow('waits for older events');
    await projector.handle({ messages: await batchOf(BERT) });
    await projector.handle({ messages });
    expect(await isMerged(wiring)).toBe(true);
    expect(await codes(wiring)).toEqual([]);
  });

  it('has a merge wait for what came in one call with it', async () => {
    const { wiring, projector, batchOf } = await published([]);
    await send(wiring, [practice(observation(BERT, 'b')), practice(merge(ANNE, BERT))]);
    await expect(projector.handle({ messages: await batchOf(ANNE) })).rejects.toThrow('waits for older events');
  });

  it('has a merge wait for others of its own batch, without a failure', async () => {
    const { wiring, projector, batchOf } = await published([observation(CARA, 'c'), merge(ANNE, CARA)]);
    await projector.handle({ messages: await batchOf(ANNE) });
    expect(await isMerged(wiring)).toBe(true);
  });

  it('has what follows a waiting merge of the same number wait as well, and does nothing else twice', async () => {
    const events = [observation(BERT, 'b'), observation(CARA, 'c'), merge(ANNE, BERT), unmerge(ANNE, BERT)];
    const { wiring, projector, batchOf } = await published(events);
    const messages = await batchOf(ANNE);
    await expect(projector.handle({ messages })).rejects.toThrow('waits for older events');
    const told = await wiring.bus.offsets(recordChangesTopic('research'));
    await expect(projector.handle({ messages })).rejects.toThrow('waits for older events');
    expect(await wiring.bus.offsets(recordChangesTopic('research'))).toEqual(told);
    await projector.handle({ messages: await batchOf(BERT) });
    await projector.handle({ messages });
    expect(await codes(wiring)).toEqual([]);
    expect(await ids(wiring, CARA)).toEqual(['Y90001/Observation/c']);
    expect(await isMerged(wiring)).toBe(false);
  });

  it('has a death wait for what was published about the person before a partition was added', async () => {
    const { world, wiring, projector, batchOf } = await published([observation(CARA, 'c')]);
    const messages = [{ ...arriving(practice(death(CARA))), timestamp: world.scheduler.now + 1 }];
    await expect(projector.handle({ messages })).rejects.toThrow('waits for older events');
    await projector.handle({ messages: await batchOf(CARA) });
    await projector.handle({ messages });
    expect(await died(wiring, CARA)).toBe(true);
  });

  it('lets a merge wait for nothing that is younger, of somebody else, or may have to wait itself', async () => {
    const events = [observation(DORA, 'd'), death(BERT), merge(ANNE, BERT), observation(BERT, 'b')];
    const { wiring, projector, batchOf } = await published(events);
    await projector.handle({ messages: await batchOf(ANNE) });
    expect(await codes(wiring)).toEqual(['not-yours-to-merge']);
  });

  it('has a merge wait for a partition that is far behind, without looking through it', async () => {
    const { world, wiring, projector, batchOf } = await published([]);
    const events = Array.from({ length: 1_001 }, (_, nth) => practice(observation(DORA, `d${nth}`)));
    await send(wiring, events);
    world.scheduler.now += 1;
    await send(wiring, [practice(merge(ANNE, BERT))]);
    await expect(projector.handle({ messages: await batchOf(ANNE) })).rejects.toThrow('waits for older events');
  });

  it('lets no two merges wait for each other', async () => {
    const { wiring, batchOf } = await published([]);
    const events = [observation(CARA, 'c'), merge(DORA, CARA), observation(BERT, 'b'), merge(ANNE, BERT)];
    await send(wiring, events.map(practice));
    const batches = await Promise.all([ANNE, DORA].map(batchOf));
    const processes = batches.map((messages) => ({ messages, projector: new RecordCareEvents(wiring) }));
    const once = () => Promise.allSettled(processes.map(({ messages, projector }) => projector.handle({ messages })));
    await once();
    expect((await once()).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect([await isMerged(wiring, ANNE), await isMerged(wiring, DORA)]).toEqual([true, true]);
  });

  it('is waited for until nothing has come of it for a minute', async () => {
    const { world, wiring, projector, batchOf } = await published([observation(BERT, 'b'), merge(ANNE, BERT)]);
    const messages = await batchOf(ANNE);
    await expect(projector.handle({ messages })).rejects.toThrow('waits for older events');
    world.scheduler.now += MINUTE_MS;
    await projector.handle({ messages });
    expect(await codes(wiring)).toEqual(['not-yours-to-merge']);
  });

  it.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'does not matter, whatever is slow or comes again: seed %i',
    async (seed) => {
      const world = new World({ seed, faults: { slowNetwork: 0.1, shortBatch: 0.5, commitLost: 0.05, readFails: 0.01 } });
      const wiring = await idleRegion(world);
      for (const name of ['one', 'another']) world.process(name, projects);
      const events = [
        ...[ANNE, BERT, CARA, DORA].map((number) => observation(number, 'k')),
        merge(ANNE, BERT),
        merge(DORA, CARA),
      ];
      await send(wiring, events.map(practice));
      const isDone = (): boolean => hasCommitted(world, careEventsTopic('Y90001'));
      await world.run(200_000, isDone);
      expect(isDone()).toBe(true);
      expect([await isMerged(wiring, ANNE), await isMerged(wiring, DORA)]).toEqual([true, true]);
      expect(await codes(wiring)).toEqual([]);
    },
  );
});

function hasCommitted({ bus }: World, topic: string): boolean {
  const ends = bus.offsets(topic);
  return bus.committed(RECORD_PROJECTOR_GROUP, topic).every(({ partition, offset }) => offset === ends[partition]?.high);
}
