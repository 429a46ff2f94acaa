import type { CareEvent, Purpose, ViewEntry } from '@weft/domain';
import { whatBecame } from './became.js';
import { decodeRecordEvent, encode } from './encoding.js';
import { EngineUnavailable } from './errors.js';
import { explainRecord } from './explain-record.js';
import { listQuarantine } from './quarantine.js';
import { rebuildViews } from './rebuild-views.js';
import { RecordCareEvents } from './record-care-events.js';
import {
  ANNE,
  arriving,
  BERT,
  idleRegion,
  ids,
  killedBeforeTelling,
  meeting,
  merge,
  observation,
  publish,
  read,
  region,
  standingOnTopic,
  unmerge,
} from './region.fixture.js';
import { recorded as recordedEvent } from './sift-care-events.js';
import { CARE_RECORD_PREFIX, careRecordStream } from './streams.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const CARA = '9990000034';

/** What an observation says, under its id. */
const of = (subject: string, id: string, said: string, more: object = {}): CareEvent =>
  observation(subject, id, { resource: { resourceType: 'Observation', id, status: 'final', valueString: said, ...more } });

const bareRetraction = (subject: string, id: string): CareEvent =>
  observation(subject, id, { type: 'care-event-retracted-1', resource: { resourceType: 'Observation', id } });

/** What direct care sees of a number, as `<id>: <what it says>`. */
async function seen(wiring: Wiring, subject: string): Promise<string[]> {
  const { record } = await read(wiring, subject, 'direct-care');
  return record.entries
    .map(({ id, resource }) => `${id.replace('RX901/Observation/', '')}: ${String(resource['valueString'])}`)
    .sort();
}

/** A number's own record, as `<type of event> <id of its resource>`, and of whom it was said where that is another number. */
async function recorded(wiring: Wiring, subject: string): Promise<string[]> {
  const events = (await wiring.store.read(careRecordStream(wiring.keys.patient(subject)))).map(decodeRecordEvent);
  const names = new Map([ANNE, BERT, CARA].map((number) => [wiring.keys.patient(number), number]));
  return events.map((event) => {
    if (event.type === 'entries-claimed-1') return `${event.entries.join()} are of ${names.get(event.home)}`;
    if (event.type === 'care-event-homed-1') return `lives with ${event.homes.map((home) => names.get(home)).join()}`;
    return `${event.resource.id}${event.saidOf === undefined ? '' : ` said of ${names.get(event.saidOf)}`}`;
  });
}

let offset = 2_000;
const arrivingAt = (event: CareEvent) => ({ ...arriving(event), offset: (offset += 1) });
const handle = (wiring: Wiring, ...events: CareEvent[]) =>
  new RecordCareEvents(wiring).handle({ messages: events.map((event) => arrivingAt(event)) });

async function inLine(wiring: Wiring): Promise<void> {
  expect(await verifyViews(wiring, { patience: 1 })).toMatchObject({ differing: [] });
  for (const purpose of ['direct-care', 'research'] as const) {
    const views = await Promise.all(
      [ANNE, BERT, CARA].map(async (number) =>
        (await read(wiring, number, purpose)).movedTo === null ? ids(wiring, number, purpose) : [],
      ),
    );
    expect(await standingOnTopic(wiring, purpose)).toBe(views.flat().length);
  }
}

describe('what is said of an entry under another number of the person', () => {
  it.each<[string, CareEvent, string[]]>([
    ['a correction', of(BERT, 'a', 'corrected', { meta: { versionId: '2' } }), ['a: corrected']],
    ['a correction without a version', of(BERT, 'a', 'corrected'), ['a: corrected']],
    ['an error that was entered', of(BERT, 'a', 'wrong', { status: 'entered-in-error' }), []],
    ['a bare retraction', bareRetraction(BERT, 'a'), []],
  ])('is the entry’s: %s', async (_, said, expected) => {
    const { wiring } = await region();
    await publish(wiring, [of(ANNE, 'a', 'of Anne', { meta: { versionId: '1' } }), of(BERT, 'b', 'of Bert'), merge(ANNE, BERT)]);
    await publish(wiring, [said]);
    expect(await seen(wiring, BERT)).toEqual([...expected, 'b: of Bert']);
    await inLine(wiring);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect([await seen(wiring, ANNE), await seen(wiring, BERT)]).toEqual([expected, ['b: of Bert']]);
    expect(await recorded(wiring, ANNE)).toEqual(['a', 'p', `a said of ${BERT}`, 'p']);
    expect(await recorded(wiring, BERT)).toEqual(['b', `p said of ${ANNE}`, `lives with ${ANNE}`, `p said of ${ANNE}`]);
    await inLine(wiring);
  });

  it('is that of the number named where nobody has it', async () => {
    const { wiring } = await region();
    await publish(wiring, [of(ANNE, 'a', 'of Anne'), merge(ANNE, BERT)]);
    await publish(wiring, [of(BERT, 'b', 'new of Bert'), of(ANNE, 'c', 'new of Anne'), bareRetraction(BERT, 'd')]);
    await publish(wiring, [of(BERT, 'c', 'corrected under Bert')]);
    expect(await seen(wiring, BERT)).toEqual(['a: of Anne', 'b: new of Bert', 'c: corrected under Bert']);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect(await seen(wiring, ANNE)).toEqual(['a: of Anne', 'c: corrected under Bert']);
    expect(await seen(wiring, BERT)).toEqual(['b: new of Bert']);
    await publish(wiring, [of(BERT, 'a', 'of Bert alone')]);
    expect([await seen(wiring, ANNE), await seen(wiring, BERT)].map((one) => one[0])).toEqual(['a: of Anne', 'a: of Bert alone']);
    await inLine(wiring);
  });

  it('is the entry’s through a chain of merges, and once a merge is undone and made again', async () => {
    const { wiring } = await region();
    await publish(wiring, [of(ANNE, 'a', 'of Anne'), of(CARA, 'c', 'of Cara'), merge(ANNE, BERT)]);
    await publish(wiring, [merge(BERT, CARA)]);
    await publish(wiring, [of(CARA, 'a', 'under Cara'), of(ANNE, 'c', 'under Anne')]);
    expect(await seen(wiring, ANNE)).toEqual(['a: under Cara', 'c: under Anne']);
    await publish(wiring, [unmerge(BERT, CARA)]);
    expect(await seen(wiring, BERT)).toEqual(['a: under Cara']);
    expect(await seen(wiring, CARA)).toEqual(['c: under Anne']);
    await publish(wiring, [of(CARA, 'a', 'of Cara alone'), of(BERT, 'a', 'under Bert')]);
    await publish(wiring, [merge(BERT, CARA)]);
    const marked = `a~${wiring.keys.patient(ANNE).slice(0, 12)}`;
    expect(await seen(wiring, CARA)).toEqual(['a: of Cara alone', `${marked}: under Bert`, 'c: under Anne']);
    await inLine(wiring);
  });

  it('is told: a retraction withdraws the entry from every topic', async () => {
    const { wiring } = await region();
    await publish(wiring, [of(ANNE, 'a', 'of Anne'), merge(ANNE, BERT)]);
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(1);
    await publish(wiring, [bareRetraction(BERT, 'a')]);
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(0);
    expect(await standingOnTopic(wiring, 'research')).toBe(0);
  });

  it('takes back a death that was told under the other number', async () => {
    const { wiring } = await region();
    const death = (type: CareEvent['type'], subject: string): CareEvent =>
      observation(subject, 'p', { type, resource: { resourceType: 'Patient', id: 'p', deceasedBoolean: true } });
    await publish(wiring, [death('patient-died-1', ANNE), of(BERT, 'b', 'of Bert'), merge(ANNE, BERT)]);
    expect(await ids(wiring, BERT)).toContain('RX901/death/p');
    await publish(wiring, [death('patient-death-retracted-1', BERT)]);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect([await ids(wiring, ANNE), await ids(wiring, BERT)]).toEqual([[], ['RX901/Observation/b']]);
    await inLine(wiring);
  });
});

describe('one (source, id) that two numbers of a person have', () => {
  it('is shown of each, and what is said of it is of the number that is named', async () => {
    const { wiring } = await region();
    await publish(wiring, [of(ANNE, 'a', 'of Anne'), of(BERT, 'a', 'of Bert'), merge(ANNE, BERT)]);
    const marked = `a~${wiring.keys.patient(ANNE).slice(0, 12)}`;
    expect(await seen(wiring, BERT)).toEqual(['a: of Bert', `${marked}: of Anne`]);
    await publish(wiring, [of(ANNE, 'a', 'corrected under Anne')]);
    expect(await seen(wiring, BERT)).toEqual(['a: of Bert', `${marked}: corrected under Anne`]);
    await inLine(wiring);
    await publish(wiring, [bareRetraction(BERT, 'a')]);
    expect(await seen(wiring, BERT)).toEqual([`${marked}: corrected under Anne`]);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect([await seen(wiring, ANNE), await seen(wiring, BERT)]).toEqual([['a: corrected under Anne'], []]);
    await inLine(wiring);
  });
});

describe('an event that is sent again under another number of the person', () => {
  it('is one event where it says the same, after the merge is undone too', async () => {
    const { wiring } = await region();
    const first = of(ANNE, 'a', 'of Anne');
    const again = { ...first, subject: BERT };
    await publish(wiring, [first, merge(ANNE, BERT)]);
    await publish(wiring, [of(ANNE, 'a', 'corrected'), again]);
    expect(await seen(wiring, BERT)).toEqual(['a: corrected']);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    await publish(wiring, [again]);
    expect([await seen(wiring, ANNE), await seen(wiring, BERT)]).toEqual([['a: corrected'], []]);
  });

  it('stands in quarantine where it says something else, and comes again as what it was', async () => {
    const { wiring } = await region();
    const first = of(ANNE, 'a', 'of Anne');
    await publish(wiring, [first, merge(ANNE, BERT)]);
    const other = arrivingAt({ ...of(BERT, 'a', 'something else'), id: first.id });
    for (let time = 0; time < 2; time += 1) {
      await new RecordCareEvents(wiring).handle({ messages: [other] });
      const refused = (await listQuarantine(wiring.bus)).map(({ from, problems }) => [from.offset, problems[0]?.code]);
      expect(refused).toEqual([[other.offset, 'conflict']]);
    }
    expect(await seen(wiring, BERT)).toEqual(['a: of Anne']);
  });

  it('stands in quarantine again where it was refused by the number that it lives with, and is sent once more as it was', async () => {
    const wiring = await idleRegion();
    await handle(wiring, of(ANNE, 'a', 'of Anne'), of(BERT, 'b', 'of Bert'), merge(ANNE, BERT));
    const first = of(ANNE, 'c', 'under Anne');
    await handle(wiring, first);
    const other = { ...of(BERT, 'a', 'said of Anne’s under Bert'), id: first.id };
    const places = [arrivingAt(other), arrivingAt(other)];
    for (const place of places) await new RecordCareEvents(wiring).handle({ messages: [place] });
    const refused = (await listQuarantine(wiring.bus)).map(({ from, problems }) => [from.offset, problems[0]?.code]);
    expect(refused).toEqual(places.map(({ offset: at }) => [at, 'conflict']));
  });
});

describe('what became of an event that lives with another number', () => {
  it('is said to who sent it by that number’s record', async () => {
    const wiring = await idleRegion();
    await handle(wiring, of(ANNE, 'a', 'of Anne'), merge(ANNE, BERT));
    const [said, again, other] = [of(BERT, 'a', 'corrected'), of(BERT, 'a', 'corrected'), of(BERT, 'a', 'else')];
    const messages = [said, { ...again, resource: said.resource }, said, { ...other, id: said.id }].map(arrivingAt);
    await new RecordCareEvents(wiring).handle({ messages });
    const passed = [said, again, said, said].map(({ source, id }, nth) => ({
      ...{ source, id, at: messages[nth]! },
      digest: nth === 3 ? 'something else' : recordedEvent(wiring, said, messages[nth]!).digest!,
    }));
    const became = await whatBecame(wiring.store, wiring.keys.patient(BERT), passed);
    expect(became).toEqual(['new', 'unchanged', 'duplicate', 'quarantined']);
  });
});

describe('who a person is', () => {
  const patient = (subject: string, more: object = {}): CareEvent =>
    observation(subject, 'p', { resource: { resourceType: 'Patient', id: 'p', birthDate: '1960-01-01', ...more } });
  const link = (type: string, value: string) => ({
    other: { type: 'Patient', identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value } },
    type,
  });

  /** What stands on a purpose's topic: the person's key, the entry's id, and the number that it says. */
  async function told(wiring: Wiring, purpose: Purpose): Promise<string[]> {
    const standing = new Map<string, string | null>();
    for (const { partition } of await wiring.bus.offsets(`weft.record-changes.${purpose}`)) {
      for (const { key, value, headers } of await wiring.bus.read(`weft.record-changes.${purpose}`, partition, 0)) {
        const text = value === null ? null : Buffer.from(value).toString();
        standing.set(key, text && `${headers['ce_subject']} ${(JSON.parse(text) as ViewEntry).nhsNumber}`);
      }
    }
    return [...standing.values()].filter((one) => one !== null).sort();
  }

  it('is told with each entry for individual care: by the number of now, when it is merged and when that is undone', async () => {
    const { wiring } = await region();
    const [anne, bert] = [wiring.keys.patient(ANNE), wiring.keys.patient(BERT)];
    const apart = [`${anne} ${ANNE}`, `${bert} ${BERT}`].sort();
    await publish(wiring, [of(ANNE, 'a', 'of Anne'), of(BERT, 'b', 'of Bert')]);
    expect(await told(wiring, 'direct-care')).toEqual(apart);
    await publish(wiring, [merge(ANNE, BERT)]);
    expect(await told(wiring, 'direct-care')).toEqual([`${bert} ${BERT}`, `${bert} ${BERT}`]);
    await publish(wiring, [unmerge(ANNE, BERT)]);
    expect(await told(wiring, 'direct-care')).toEqual(apart);
    expect((await told(wiring, 'research')).every((one) => one.endsWith(' undefined'))).toBe(true);
  });

  it('is known also of a surviving number that nothing was sent under', async () => {
    const { wiring } = await region();
    await publish(wiring, [of(ANNE, 'a', 'of Anne'), merge(ANNE, BERT)]);
    expect((await read(wiring, BERT, 'direct-care')).record.entries.map(({ nhsNumber }) => nhsNumber)).toEqual([BERT]);
    await inLine(wiring);
  });

  it('is said by the links of Patients, beside those that their senders gave them, and to nobody beyond individual care', async () => {
    const { wiring } = await region();
    const linked = async (purpose: Purpose) =>
      (await read(wiring, CARA, purpose)).record.entries.map(({ resource }) => resource['link']);
    const [own, same] = [link('seealso', '9990000042'), link('replaced-by', BERT)];
    await publish(wiring, [patient(ANNE, { link: [own, same] }), patient(CARA)]);
    await publish(wiring, [merge(ANNE, BERT)]);
    await publish(wiring, [merge(BERT, CARA)]);
    expect(await linked('direct-care')).toEqual([
      [link('replaces', BERT), link('replaces', ANNE)],
      [own, same, link('replaced-by', CARA)],
    ]);
    expect(await linked('research')).toEqual([undefined, undefined]);
    await publish(wiring, [unmerge(BERT, CARA)]);
    expect(await linked('direct-care')).toEqual([undefined]);
    await inLine(wiring);
  });

  it('is explained of each entry, with the number that it was recorded under', async () => {
    const { wiring } = await region();
    await publish(wiring, [of(ANNE, 'a', 'of Anne'), of(BERT, 'b', 'of Bert'), merge(ANNE, BERT)]);
    const { entries } = await explainRecord(wiring, wiring.keys.patient(ANNE));
    expect(entries.map(({ id, nhsNumber, recordedUnder }) => [id, nhsNumber, recordedUnder])).toEqual([
      ['RX901/Observation/b', BERT, undefined],
      ['RX901/Observation/a', BERT, ANNE],
    ]);
  });

  it('is told anew of all entries once it is known: what was accepted before said no number', async () => {
    const wiring = await idleRegion();
    const first = of(ANNE, 'a', 'of Anne');
    const { subject: _, ...before } = recordedEvent(wiring, first, arrivingAt(first));
    await wiring.store.append(careRecordStream(wiring.keys.patient(ANNE)), -1, [encode(before, wiring.random)]);
    await rebuildViews(wiring, wiring.keys.patient(ANNE));
    await handle(wiring, of(ANNE, 'b', 'of Anne too'));
    expect(await told(wiring, 'direct-care')).toHaveLength(2);
    expect(await verifyViews(wiring, { patience: 1 })).toMatchObject({ differing: [] });
  });
});

describe('several projectors at one person', () => {
  const isRecord = (stream: string): boolean => stream.startsWith(CARE_RECORD_PREFIX);
  const isRecordOf =
    (wiring: Wiring, subject: string) =>
    (stream: string): boolean =>
      stream === careRecordStream(wiring.keys.patient(subject));

  it.each([ANNE, BERT])('find one home for an entry that comes under both numbers at once, %s first', async (first) => {
    const wiring = await idleRegion();
    const second = first === ANNE ? BERT : ANNE;
    await handle(wiring, of(ANNE, 'a', 'a'), merge(ANNE, BERT));
    const overtaken = meeting(wiring, isRecord, () => handle(wiring, of(first, 'x', 'first')));
    await handle(overtaken, of(second, 'x', 'second'));
    expect(await seen(wiring, BERT)).toEqual(['a: a', 'x: second']);
    await handle(wiring, unmerge(ANNE, BERT));
    expect((await seen(wiring, first)).at(-1)).toBe('x: second');
    expect(await seen(wiring, second)).toEqual(second === ANNE ? ['a: a'] : []);
  });

  it('keep to what was said first: an entry that is claimed and not yet there', async () => {
    const wiring = await idleRegion();
    await handle(wiring, of(ANNE, 'a', 'a'), merge(ANNE, BERT));
    const overtaken = meeting(wiring, isRecordOf(wiring, ANNE), () => handle(wiring, of(BERT, 'x', 'under Bert')));
    await handle(overtaken, of(ANNE, 'x', 'under Anne'));
    expect(await recorded(wiring, ANNE)).toEqual(['a', 'p', `x said of ${BERT}`, 'x']);
    expect(await recorded(wiring, BERT)).toEqual([
      `p said of ${ANNE}`,
      `RX901/Observation/x are of ${ANNE}`,
      `lives with ${ANNE}`,
    ]);
  });

  it('do not write what they know from before a merge', async () => {
    const wiring = await idleRegion();
    const remembering = new RecordCareEvents(wiring);
    await remembering.handle({ messages: [arrivingAt(of(BERT, 'b', 'of Bert'))] });
    await handle(wiring, of(ANNE, 'a', 'of Anne'), merge(ANNE, BERT));
    await remembering.handle({ messages: [arrivingAt(of(BERT, 'a', 'corrected'))] });
    expect(await recorded(wiring, ANNE)).toEqual(['a', 'p', `a said of ${BERT}`]);
  });

  it('look anew who is one person with a number that was merged before: its own record has no word of it', async () => {
    const wiring = await idleRegion();
    const remembering = new RecordCareEvents(wiring);
    const first = of(BERT, 'b', 'of Bert');
    await handle(wiring, of(ANNE, 'a', 'of Anne'), first, of(CARA, 'c', 'of Cara'), merge(ANNE, BERT));
    await remembering.handle({ messages: [arrivingAt(first)] });
    await handle(wiring, merge(CARA, ANNE));
    await remembering.handle({ messages: [arrivingAt(of(BERT, 'c', 'corrected'))] });
    expect(await recorded(wiring, CARA)).toEqual(['c', 'p', `c said of ${BERT}`]);
  });

  it('record once what both were given, though one comes after the merge was undone', async () => {
    const wiring = await idleRegion();
    await handle(wiring, of(ANNE, 'a', 'of Anne'), merge(ANNE, BERT));
    const message = arrivingAt(of(BERT, 'a', 'corrected'));
    const late = meeting(wiring, isRecordOf(wiring, ANNE), async () => {
      await handle(wiring, unmerge(ANNE, BERT));
      await new RecordCareEvents(wiring).handle({ messages: [message] });
    });
    await new RecordCareEvents(late).handle({ messages: [message] });
    expect([await seen(wiring, ANNE), await seen(wiring, BERT)]).toEqual([['a: corrected'], []]);
    expect((await recorded(wiring, ANNE)).filter((one) => one.includes('said of'))).toHaveLength(1);
    expect(await verifyViews(wiring, { patience: 1 })).toMatchObject({ differing: [] });
  });
});

describe('an event that another projector brought to where it lives', () => {
  it('is told by who was at work on it too, where the other was killed before it told', async () => {
    const wiring = await idleRegion();
    await handle(wiring, of(ANNE, 'a', 'of Anne'), merge(ANNE, BERT));
    const message = arrivingAt(of(BERT, 'a', 'corrected'));
    const isAnnes = (stream: string): boolean => stream === careRecordStream(wiring.keys.patient(ANNE));
    const late = meeting(wiring, isAnnes, async () => {
      await handle(wiring, unmerge(ANNE, BERT));
      await new RecordCareEvents(killedBeforeTelling(wiring)).handle({ messages: [message] });
    });
    await new RecordCareEvents(late).handle({ messages: [message] });
    const told: string[] = [];
    for (const { partition } of await wiring.bus.offsets('weft.record-changes.direct-care')) {
      const messages = await wiring.bus.read('weft.record-changes.direct-care', partition, 0);
      told.push(...messages.map(({ value }) => Buffer.from(value ?? []).toString()));
    }
    expect(await seen(wiring, ANNE)).toEqual(['a: corrected']);
    expect(told.some((text) => text.includes('corrected'))).toBe(true);
  });
});

describe('a projector that is killed', () => {
  it('once it was said where an event lives has it brought there when it comes again', async () => {
    const wiring = await idleRegion();
    await handle(wiring, of(ANNE, 'a', 'of Anne'), merge(ANNE, BERT));
    const message = arrivingAt(bareRetraction(BERT, 'a'));
    const killed = meeting(
      wiring,
      (stream) => stream === careRecordStream(wiring.keys.patient(ANNE)),
      () => Promise.reject(new EngineUnavailable('store', 'killed')),
    );
    await expect(new RecordCareEvents(killed).handle({ messages: [message] })).rejects.toThrow('killed');
    expect(await ids(wiring, BERT)).toEqual(['RX901/Observation/a']);
    await new RecordCareEvents(wiring).handle({ messages: [message] });
    expect(await ids(wiring, BERT)).toEqual([]);
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(0);
  });

  it('before it tells leaves it to the next one to tell of an event that lives with another number', async () => {
    const wiring = await idleRegion();
    await handle(wiring, of(ANNE, 'a', 'of Anne'), merge(ANNE, BERT));
    const message = arrivingAt(bareRetraction(BERT, 'a'));
    await new RecordCareEvents(killedBeforeTelling(wiring)).handle({ messages: [message] });
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(1);
    await new RecordCareEvents(wiring).handle({ messages: [message] });
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(0);
  });

  it('while it makes a merge leaves the fence to the next one', async () => {
    const wiring = await idleRegion();
    await handle(wiring, of(BERT, 'b', 'of Bert'), of(ANNE, 'a', 'of Anne'));
    const merging = arrivingAt(merge(ANNE, BERT));
    const killed = meeting(
      wiring,
      (stream) => stream === careRecordStream(wiring.keys.patient(BERT)),
      () => Promise.reject(new EngineUnavailable('store', 'killed')),
    );
    await expect(new RecordCareEvents(killed).handle({ messages: [merging] })).rejects.toThrow('killed');
    await new RecordCareEvents(wiring).handle({ messages: [merging] });
    expect(await recorded(wiring, BERT)).toEqual(['b', `p said of ${ANNE}`]);
    expect(await recorded(wiring, ANNE)).toEqual(['a', 'p']);
  });
});
