import { createMessageReader } from '@weft/care-events';
import { careEventsTopic, listQuarantine, NATIONAL_EVENTS_TOPIC, redrive } from '@weft/processing';
import { failedAtEachCall, killedAtEachCall } from '@weft/testing';
import fc from 'fast-check';
import { NoAnswer } from './ports.js';
import { ANNE, BERT, CLEO, hindered, NOW, openRegion, type Region, signal } from './region.fixture.js';
import { silentSince } from './test-signals.js';

const DEATH = { deceasedDateTime: '2026-06-09', deathNotificationStatus: '1' };

describe('of national events', () => {
  let region: Region;
  beforeEach(async () => void (region = await openRegion()));

  it('a death is told with its date and whether it is formal, and no more of the person', async () => {
    region.pds.put({ nhsNumber: ANNE, ...DEATH });
    await region.sendAndHandle(signal(ANNE, { type: 'pds-death-notification-2' }));
    region.pds.put({ nhsNumber: ANNE, ...DEATH, deathNotificationStatus: '2' });
    await region.sendAndHandle(signal(ANNE, { type: 'pds-death-notification-2' }));
    const told = await region.told();
    expect(told).toMatchObject([
      { type: 'patient-died-1', subject: ANNE, resource: { deceasedDateTime: '2026-06-09' } },
      { type: 'patient-died-1', subject: ANNE, resource: { deceasedDateTime: '2026-06-09' } },
    ]);
    const status = (one: (typeof told)[number] | undefined) => JSON.stringify(one?.resource['extension']);
    expect([status(told[0]), status(told[1])]).toEqual([
      expect.stringContaining('"code":"1"'),
      expect.stringContaining('"code":"2"'),
    ]);
    expect(JSON.stringify(told)).not.toMatch(/Somebody|ZZ99|01632/);
    expect(told[0]!.resource.id).not.toContain(ANNE);
  });

  it('a death that PDS takes back is taken back, once, and may be told again with the same date', async () => {
    const die = () => region.pds.put({ nhsNumber: ANNE, ...DEATH });
    const live = () => region.pds.put({ nhsNumber: ANNE, deathNotificationStatus: 'U' });
    for (const change of [die, live, () => undefined, die]) {
      change();
      await region.sendAndHandle(signal(ANNE, { type: 'pds-death-notification-2' }));
    }
    expect(await region.types()).toEqual(['patient-died-1', 'patient-death-retracted-1', 'patient-died-1']);
  });

  it('a death that PDS neither repeats nor takes back is for a person to look at', async () => {
    region.pds.put({ nhsNumber: ANNE, ...DEATH });
    await region.sendAndHandle(signal(ANNE));
    region.pds.put({ nhsNumber: ANNE });
    await region.sendAndHandle(signal(ANNE));
    expect(await region.types()).toEqual(['patient-died-1']);
    expect(await region.refusals()).toEqual(['death-unclear']);
  });

  it('a superseded number is merged into the one that PDS answers for, and what is new of that is told too', async () => {
    region.pds.put({ nhsNumber: ANNE, supersededBy: BERT });
    region.pds.put({ nhsNumber: BERT, generalPractitioner: 'Y90001' });
    await region.sendAndHandle(signal(ANNE, { type: 'nhs-number-change-2' }));
    expect(await region.told()).toMatchObject([
      {
        type: 'patient-merged-1',
        subject: ANNE,
        resource: { link: [{ type: 'replaced-by', other: { identifier: { value: BERT } } }] },
      },
      { type: 'care-event-recorded-1', subject: BERT },
    ]);
  });

  it('a chain of superseded numbers is merged link by link, and a link that was wrong is undone first', async () => {
    region.pds.put({ nhsNumber: ANNE, supersededBy: BERT });
    region.pds.put({ nhsNumber: BERT });
    region.pds.put({ nhsNumber: CLEO });
    await region.sendAndHandle(signal(ANNE));
    region.pds.put({ nhsNumber: BERT, supersededBy: CLEO });
    await region.sendAndHandle(signal(ANNE), signal(BERT));
    const links = async () => (await region.told()).map(({ type, subject }) => `${type} ${subject}`);
    expect(await links()).toEqual([`patient-merged-1 ${ANNE}`, `patient-merged-1 ${BERT}`]);
    region.pds.put({ nhsNumber: ANNE, supersededBy: CLEO });
    region.pds.put({ nhsNumber: BERT });
    await region.sendAndHandle(signal(ANNE), signal(BERT));
    expect((await links()).slice(2).sort()).toEqual([
      `patient-merged-1 ${ANNE}`,
      `patient-unmerged-1 ${ANNE}`,
      `patient-unmerged-1 ${BERT}`,
    ]);
    const ofAnne = (await links()).filter((one) => one.endsWith(ANNE));
    expect(ofAnne).toEqual(['merged', 'unmerged', 'merged'].map((what) => `patient-${what}-1 ${ANNE}`));
  });

  it('a number that stands by itself again is unmerged', async () => {
    region.pds.put({ nhsNumber: ANNE, supersededBy: BERT });
    region.pds.put({ nhsNumber: BERT });
    await region.sendAndHandle(signal(ANNE));
    region.pds.put({ nhsNumber: ANNE });
    await region.sendAndHandle(signal(ANNE));
    expect(await region.types()).toEqual(['patient-merged-1', 'patient-unmerged-1']);
  });

  it('a change of GP is told with the practice and since when, under the version of the record', async () => {
    region.pds.put({ nhsNumber: ANNE, version: 16, generalPractitioner: 'Y90001' });
    await region.sendAndHandle(signal(ANNE, { type: 'pds-change-of-gp-2' }));
    region.pds.put({ nhsNumber: ANNE });
    await region.sendAndHandle(signal(ANNE, { type: 'pds-change-of-gp-2' }));
    const [first, second] = await region.told();
    expect(first!.resource).toMatchObject({
      meta: { versionId: '16' },
      generalPractitioner: [{ identifier: { value: 'Y90001', period: { start: '2020-01-01' } } }],
    });
    expect(second!.resource.meta).toEqual({ versionId: '17' });
    expect(second!.resource).not.toHaveProperty('generalPractitioner');
  });

  it('what is absent of a restricted person is told as withheld, never as gone', async () => {
    region.pds.put({ nhsNumber: ANNE, generalPractitioner: 'Y90001' });
    await region.sendAndHandle(signal(ANNE));
    region.pds.put({ nhsNumber: ANNE, security: 'R', generalPractitioner: 'Y90001' });
    await region.sendAndHandle(signal(ANNE));
    region.pds.put({ nhsNumber: ANNE, generalPractitioner: 'Y90001' });
    await region.sendAndHandle(signal(ANNE));
    const [, restricted, open] = (await region.told()).map(({ resource }) => resource);
    const withheld = [{ extension: [{ url: expect.stringMatching('data-absent-reason'), valueCode: 'masked' }] }];
    expect(restricted).toMatchObject({ meta: { security: [{ code: 'R' }] } });
    expect(restricted).toMatchObject({ address: withheld, telecom: withheld, generalPractitioner: withheld });
    expect(open).toMatchObject({ meta: { versionId: '3' }, generalPractitioner: [{ identifier: { value: 'Y90001' } }] });
    expect(open!.meta).not.toHaveProperty('security');
    expect(await region.types()).toEqual(Array(3).fill('care-event-recorded-1'));
  });

  it.each(['REDACTED', 'X', ''])('a label that is not known (%p) is a restricted one', async (security) => {
    region.pds.put({ nhsNumber: ANNE, security });
    await region.sendAndHandle(signal(ANNE));
    expect(await region.told()).toMatchObject([{ resource: { meta: { security: [{ code: 'R' }] } } }]);
  });

  it('what PDS says nothing new of is not told', async () => {
    region.pds.put({ nhsNumber: ANNE });
    await region.sendAndHandle(signal(ANNE), signal(ANNE, { type: 'pds-change-of-gp-2' }));
    expect(await region.told()).toEqual([]);
    expect(region.became.map(({ outcome }) => outcome)).toEqual(['nothing', 'nothing']);
  });

  it('many about one person in a batch are one question to PDS', async () => {
    region.pds.put({ nhsNumber: ANNE, ...DEATH });
    await region.sendAndHandle(...Array<string>(20).fill(signal(ANNE)));
    expect(region.pds.asked).toEqual([ANNE]);
    expect(await region.types()).toEqual(['patient-died-1']);
  });

  it('each is accepted by the rules of Weft’s own topics', async () => {
    region.pds.put({ nhsNumber: ANNE, ...DEATH, security: 'V' });
    region.pds.put({ nhsNumber: BERT, supersededBy: ANNE });
    region.pds.put({ nhsNumber: CLEO, generalPractitioner: 'Y90001' });
    await region.sendAndHandle(signal(BERT), signal(CLEO));
    region.pds.put({ nhsNumber: BERT, deathNotificationStatus: 'U' });
    await region.sendAndHandle(signal(BERT));
    const organisations = new Map([['X26', { ods: 'X26', name: 'The nation', kind: 'acute' as const }]]);
    const reader = createMessageReader({ organisations, now: () => NOW });
    const readings = (await region.all(careEventsTopic('X26'))).map((message) =>
      reader.careEvent({ ...message, timestamp: NOW }),
    );
    expect(readings.flatMap((reading) => (reading.ok ? [] : reading.problems))).toEqual([]);
    expect(readings).toHaveLength(6);
  });

  it.each([
    ['not-known-to-pds', () => undefined],
    ['number-invalidated', () => region.pds.put({ nhsNumber: ANNE, invalidated: true })],
    ['death-unclear', () => region.pds.put({ nhsNumber: ANNE, deathNotificationStatus: '2' })],
    ['death-unclear', () => region.pds.put({ nhsNumber: ANNE, deceasedDateTime: 'yesterday' })],
    ['death-unclear', () => region.pds.put({ nhsNumber: ANNE, ...DEATH, deathNotificationStatus: '7' })],
    ['practice-unclear', () => region.pds.put({ nhsNumber: ANNE, generalPractitioner: 'no code' })],
  ])(
    'one that is answered with something that cannot be told (%s) stands in quarantine, and nobody else’s does',
    async (code, put) => {
      put();
      region.pds.put({ nhsNumber: BERT, ...DEATH });
      await region.sendAndHandle(signal(ANNE), signal(BERT), 'no signal');
      expect((await region.refusals()).sort()).toEqual([code, 'not-json'].sort());
      expect(await region.told()).toMatchObject([{ type: 'patient-died-1', subject: BERT }]);
      const quarantined = await listQuarantine(region.wiring.bus);
      expect(JSON.stringify(quarantined.map(({ problems, id, key }) => [problems, id, key]))).not.toMatch(/\d{10}/);
    },
  );

  it('one in quarantine is told once it is redriven and PDS knows', async () => {
    await region.sendAndHandle(signal(ANNE));
    region.pds.put({ nhsNumber: ANNE, ...DEATH });
    const [found] = await listQuarantine(region.wiring.bus);
    await redrive(region.wiring.bus, found!);
    await region.handle();
    expect(await region.types()).toEqual(['patient-died-1']);
    expect(await region.refusals()).toEqual([]);
  });

  it('the test signal is heard, and an older one that comes later is not', async () => {
    const { store } = region.wiring;
    expect(await silentSince(store)).toBeNull();
    await region.sendAndHandle(signal(undefined, { type: 'mns-test-signal-1' }));
    const heard = await silentSince(store);
    const [message] = await region.all(NATIONAL_EVENTS_TOPIC);
    expect(heard).toBe(message!.timestamp);
    expect(region.became).toMatchObject([{ type: 'mns-test-signal-1', outcome: 'heard' }]);
    await region
      .teller()
      .handle(
        { topic: NATIONAL_EVENTS_TOPIC, partition: 0, messages: [{ ...message!, timestamp: message!.timestamp - 1_000 }] },
        { isStale: () => false, heartbeat: async () => undefined },
      );
    expect(await silentSince(store)).toBe(heard);
  });

  describe('while PDS', () => {
    beforeEach(() => {
      for (const nhsNumber of [ANNE, BERT, CLEO]) region.pds.put({ nhsNumber, ...DEATH });
    });

    it('answers nobody, all wait, and nothing goes to quarantine', async () => {
      region.pds.fail({ status: 503 });
      await region.send(signal(ANNE), signal(BERT));
      const teller = region.teller();
      for (let round = 0; round < 20; round += 1) await expect(region.handle(teller)).rejects.toBeInstanceOf(NoAnswer);
      expect(await region.told()).toEqual([]);
      region.pds.fail({});
      await region.handle(teller);
      expect(await region.types()).toEqual(['patient-died-1', 'patient-died-1']);
      expect(await region.refusals()).toEqual([]);
    });

    it('asks to be left alone it is, for that long, and is asked no more of what it answered', async () => {
      await region.send(signal(ANNE));
      const teller = region.teller();
      region.pds.fail({ status: 429, retryAfter: 7 });
      await expect(region.handle(teller)).rejects.toBeInstanceOf(NoAnswer);
      expect(region.rests).toEqual([3_000, 3_000, 1_000]);
      region.pds.fail({});
      await region.send(signal(BERT));
      region.pds.fail({ nhsNumber: BERT, status: 429 });
      await expect(region.handle(teller)).rejects.toBeInstanceOf(NoAnswer);
      region.pds.fail({ nhsNumber: BERT });
      await region.handle(teller);
      expect(region.pds.asked.filter((one) => one === ANNE)).toHaveLength(2);
      expect(region.became.map(({ outcome }) => outcome)).toEqual(['told', 'told']);
      expect(await region.refusals()).toEqual([]);
    });

    it('answers all but one, the others go on, and the one comes again until it is for a person to look at', async () => {
      region.pds.fail({ nhsNumber: ANNE, status: 408 });
      const teller = region.teller();
      await region.send(signal(ANNE), signal(BERT));
      await region.handleOne(teller);
      expect(await region.told()).toMatchObject([{ subject: BERT }]);
      // Alone it waits: nobody says that PDS answers at all.
      for (let round = 0; round < 10; round += 1) await expect(region.handleOne(teller)).rejects.toBeInstanceOf(NoAnswer);
      for (let others = 0; others < 5; others += 1) {
        expect(await region.refusals()).toEqual([]);
        await region.send(signal(CLEO));
        await region.handleOne(teller);
      }
      expect(await region.refusals()).toEqual(['no-answer']);
      region.pds.fail({ nhsNumber: ANNE });
      const [found] = await listQuarantine(region.wiring.bus);
      await redrive(region.wiring.bus, found!);
      await region.handle(teller);
      expect((await region.told()).map(({ subject }) => subject)).toEqual([BERT, CLEO, ANNE]);
    });

    it('is behind what a signal tells of, or what was told before, it is asked again', async () => {
      region.pds.put({ nhsNumber: ANNE, version: 15 });
      await region.send(signal(ANNE, { versionid: 'W/"16"' }));
      const teller = region.teller();
      await expect(region.handle(teller)).rejects.toBeInstanceOf(NoAnswer);
      region.pds.put({ nhsNumber: ANNE, version: 16, ...DEATH });
      await region.handle(teller);
      region.pds.put({ nhsNumber: ANNE, version: 14, deathNotificationStatus: 'U' });
      await region.send(signal(ANNE));
      await expect(region.handle(teller)).rejects.toBeInstanceOf(NoAnswer);
      expect(await region.types()).toEqual(['patient-died-1']);
    });
  });
});

describe('whoever tells national events', () => {
  async function regionWith(): Promise<Region> {
    const region = await openRegion();
    region.pds.put({ nhsNumber: ANNE, ...DEATH, generalPractitioner: 'Y90001' });
    region.pds.put({ nhsNumber: BERT, supersededBy: CLEO });
    region.pds.put({ nhsNumber: CLEO, security: 'R' });
    await region.send(signal(ANNE), 'no signal', signal(BERT), signal(ANNE), signal(undefined, { type: 'mns-test-signal-1' }));
    return region;
  }
  const left = async (region: Region) => ({
    told: (await region.told()).map(({ type, subject }) => `${type} ${subject}`).sort(),
    refused: await region.refusals(),
    isHeard: (await silentSince(region.wiring.store)) !== null,
  });
  const EXPECTED = {
    told: [
      `care-event-recorded-1 ${ANNE}`,
      `care-event-recorded-1 ${CLEO}`,
      `patient-died-1 ${ANNE}`,
      `patient-merged-1 ${BERT}`,
    ],
    refused: ['not-json'],
    isHeard: true,
  };

  it('leaves, undisturbed, what is to be left', async () => {
    const region = await regionWith();
    await region.handle();
    expect(await left(region)).toEqual(EXPECTED);
  });

  it.each(['before', 'after'] as const)('and is killed just %s anything that it does tells each thing once', async (when) => {
    const calls = await killedAtEachCall(when, async ({ kill, around, untilKilled }) => {
      const region = await regionWith();
      await untilKilled(region.handle(region.teller(hindered(region.wiring, around)), 3));
      await region.handle(region.teller(), 4);
      expect([kill, await left(region)]).toEqual([kill, EXPECTED]);
    });
    expect(calls).toBeGreaterThan(12);
  });

  it.each(['before', 'after'] as const)(
    'and whose engines fail it just %s anything that it does tells each thing once',
    async (when) => {
      const calls = await failedAtEachCall(when, async ({ fault, around }) => {
        const region = await regionWith();
        const teller = region.teller(hindered(region.wiring, around));
        const isDone = await region.handle(teller).then(
          () => true,
          () => false,
        );
        if (!isDone) await region.handle(teller);
        expect([fault, await left(region)]).toEqual([fault, EXPECTED]);
      });
      expect(calls).toBeGreaterThan(12);
    },
  );

  it('beside another one that works on the same people tells each thing once, and last what PDS says last', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const region = await openRegion();
        const slow = hindered(region.wiring, (work) => async (...args) => {
          await scheduler.schedule(Promise.resolve());
          return work(...args);
        });
        region.pds.put({ nhsNumber: ANNE, ...DEATH });
        await region.send(signal(ANNE), signal(ANNE));
        const messages = await region.wiring.bus.read(NATIONAL_EVENTS_TOPIC, 0, 0);
        const context = { isStale: () => false, heartbeat: async () => undefined };
        const batch = (one: number) => ({ topic: NATIONAL_EVENTS_TOPIC, partition: one, messages: [messages[one]!] });
        const working = [0, 1].map((one) => region.teller(slow).handle(batch(one), context));
        const changing = scheduler.schedule(Promise.resolve()).then(() => {
          region.pds.put({ nhsNumber: ANNE, deathNotificationStatus: 'U' });
          return region.teller(slow).handle(batch(0), context);
        });
        await scheduler.waitFor(Promise.all([...working, changing]));
        const types = await region.types();
        expect(types.at(-1)).toBe('patient-death-retracted-1');
        expect(types.filter((type) => type === 'patient-death-retracted-1')).toHaveLength(1);
        expect(types.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 50 },
    );
  });
});
