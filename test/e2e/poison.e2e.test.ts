import { gzipSync } from 'node:zlib';
import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { nhsNumberProblem, provision, PURPOSES, type Purpose } from '@weft/domain';
import { careEventsTopic, CONSENT_TOPIC, listQuarantine, readRecord, type Quarantined, type Wiring } from '@weft/processing';
import { openService, openWiring, type Service } from '@weft/service';
import kafkajs from 'kafkajs';
import { brokerOrReason } from '../../infra/kafka/broker.mjs';
import { missing, stalled, unaccounted } from '../fuzz/src/check.js';
import { inputsOf } from '../fuzz/src/inputs.js';
import { expected, INPUTS_A_ROUND, objecting, witnesses } from '../fuzz/src/round.js';
import { Processes, type Running } from './processes.js';

const found = await brokerOrReason();
const reason = 'reason' in found ? found.reason : found.broker.kind === 'named' ? 'the broker may hold others’ topics' : '';
const TOPIC = careEventsTopic('RX901');
/** How the broker keeps each topic: what is sent to it is packed so, whoever sends it. */
const CODECS: Readonly<Record<string, string>> = {
  [TOPIC]: 'snappy',
  [careEventsTopic('Y90001')]: 'gzip',
  [careEventsTopic('RX902')]: 'lz4',
  [careEventsTopic('RX903')]: 'zstd',
  [CONSENT_TOPIC]: 'lz4',
};
/** Nobody's; none of those whom the fuzzer speaks of. */
const [ANNE, BERT, CARL, DORA, EDIE, ...MERGED] = Array.from({ length: 900 }, (_, index) => `99900${70_000 + index}`)
  .filter((number) => nhsNumberProblem(number) === null)
  .slice(0, 75) as [string, string, string, string, string, ...string[]];

type Sent = kafkajs.Message;
const about = (number: string) => ({ type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: number } });
const condition = (number: string, id: string, more: object = {}) => ({
  ...{ resourceType: 'Condition', id, subject: about(number), code: { text: 'Asthma' }, ...more },
});
const STRUCTURED = { 'content-type': 'application/cloudevents+json' };
const event = (number: string, id: string, more: object = {}) => ({
  ...{ specversion: '1.0', id, source: 'urn:ods:RX901', type: 'care-event-recorded-1', subject: number },
  ...{ time: '2026-01-01T10:00:00Z', datacontenttype: 'application/fhir+json', data: condition(number, id), ...more },
});
const sent = (number: string, value: Buffer | string | null, headers: Sent['headers'] = STRUCTURED): Sent => ({
  ...{ key: number, value: typeof value === 'string' ? Buffer.from(value) : value, headers },
});
const said = (number: string, id: string, more: object = {}, headers: Sent['headers'] = STRUCTURED) =>
  sent(number, JSON.stringify(event(number, id, more)), headers);
const of = (number: string, more: object) => ({ data: condition(number, 'bad', more) });
const DEEP = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
const decided = (number: string, data: object) =>
  said(number, `decision-${number}`, { source: 'urn:ods:Y90001', type: 'consent-decision-recorded-1', data });
const consent = (number: string, said: object): object => ({
  ...consentOf({
    ...{ subject: number, consentId: 'c', authority: 'local-dissent', status: 'active', decidedBy: 'patient' },
    ...{ decidedAt: '2026-01-01T10:00:00.000Z', provision: provision('deny', ['research']) },
  }),
  ...said,
});

/** Poison of care events, and what is said of each in quarantine. */
const POISON: readonly (readonly [what: string, says: string, Sent])[] = [
  ['a tombstone', 'body: not-json', sent(ANNE, null)],
  ['nothing', 'body: not-json', sent(ANNE, '')],
  ['half an event', 'body: not-json', sent(ANNE, JSON.stringify(event(ANNE, 'half')).slice(0, -30))],
  ['bytes that are not UTF-8', 'body: not-utf-8', sent(ANNE, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]))],
  [
    'a header that is not UTF-8',
    'headers.ce_id: not-utf-8',
    said(ANNE, 'header', {}, { ...STRUCTURED, ce_id: Buffer.from([0xff]) }),
  ],
  ['no key', 'key: not-the-subject', { ...said(ANNE, 'no-key'), key: null }],
  ['the key of somebody else', 'key: not-the-subject', { ...said(BERT, 'else'), key: ANNE }],
  [
    'lists in lists',
    'body: too-deep',
    sent(ANNE, JSON.stringify(event(ANNE, 'deep', { data: 0 })).replace('"data":0', `"data":${DEEP}`)),
  ],
  ['countless extensions', ': too-costly', said(ANNE, 'many', of(ANNE, { extension: new Array(125_000).fill({}) }))],
  ['more than the store takes', 'data: too-large', said(ANNE, 'large', of(ANNE, { note: [{ text: 'x'.repeat(1_040_000) }] }))],
  ['malformed FHIR', 'Condition.code: structure', said(ANNE, 'fhir', of(ANNE, { code: 5 }))],
  ['an unknown type', 'type: unknown-type', said(ANNE, 'type', { type: 'care-event-recorded-9' })],
  ['the source of another organisation', 'source: not-the-sender', said(ANNE, 'source', { source: 'urn:ods:RX902' })],
];

if (reason !== '' || 'reason' in found) {
  it.skip(`poison on a real broker: ${reason}`, () => {});
} else {
  const { broker } = found;

  describe(`poison on Apache Kafka (${broker.kind}), each projector its own process`, () => {
    let region: Processes;
    let service: Service;
    let wiring: Wiring;
    let projectors: readonly Running[] = [];
    let producer: kafkajs.Producer;
    const answers: string[] = [];
    const ending = new AbortController();
    let asked: Promise<void> = Promise.resolve();

    const looked = () => ({ wiring, organisations: region.settings.organisations.map(({ ods }) => ods) });
    const ids = async (number: string, purpose: Purpose = 'direct-care') => {
      const { record } = await readRecord(wiring, wiring.keys.patient(number), purpose);
      return record.entries.map(({ id }) => id.split('/').at(-1));
    };
    const inQuarantine = async () => new Map((await listQuarantine(wiring.bus)).map((one) => [one.id, one]));
    const codes = (one?: Quarantined) => one?.problems.map(({ field, code }) => `${field}: ${code}`);
    /** Sends one message by itself, and gives where it is. */
    const send = async (topic: string, message: Sent): Promise<string> => {
      const [at] = await producer.send({ topic, messages: [message] });
      return `${topic}/${at!.partition}/${at!.baseOffset}`;
    };

    const askWhetherReady = async () => {
      while (!ending.signal.aborted) {
        for (const { app, url } of projectors) answers.push(`${app} ${(await fetch(`${url}/readyz`)).status}`);
        await wiring.timers.sleep(250, ending.signal);
      }
    };

    beforeAll(async () => {
      region = new Processes({ WEFT_KAFKA_BROKERS: broker.brokers.join() });
      expect(await region.weft('topics', '--apply')).toMatchObject({ status: 0 });
      const kafka = new kafkajs.Kafka({ brokers: broker.brokers, logLevel: kafkajs.logLevel.NOTHING });
      const admin = kafka.admin();
      await admin.connect();
      for (const [name, value] of Object.entries(CODECS)) {
        const topic = { type: kafkajs.ConfigResourceTypes.TOPIC, name };
        const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [topic] });
        // What is left out would be the broker's default again.
        const kept = resources[0]!.configEntries.filter(({ isDefault }) => !isDefault);
        const configEntries = [
          ...kept.map((one) => ({ name: one.configName, value: one.configValue })),
          { name: 'compression.type', value },
        ];
        await admin.alterConfigs({ validateOnly: false, resources: [{ ...topic, configEntries }] });
      }
      await admin.disconnect();
      producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
      await producer.connect();
      projectors = await Promise.all([region.start('record-projector'), region.start('opt-out-projector')]);
      service = await openService(region.settings);
      wiring = openWiring(service);
      asked = askWhetherReady();
    }, 120_000);

    afterAll(async () => {
      ending.abort();
      await asked;
      await producer?.disconnect();
      await service?.close();
      await region?.close();
      await broker.stop();
    }, 60_000);

    afterEach(() => {
      expect(new Set(answers)).toEqual(new Set(['record-projector 200', 'opt-out-projector 200']));
    });

    it('stands in quarantine with its reason, and what is behind it is recorded', async () => {
      const places: string[] = [];
      for (const [index, [, , message]] of POISON.entries()) {
        await send(TOPIC, { ...said(ANNE, `behind-${index}`), partition: 0 });
        places.push(await send(TOPIC, { ...message, partition: 0 }));
      }
      await send(TOPIC, { ...said(ANNE, 'last'), partition: 0 });
      expect(await stalled(looked())).toEqual([]);
      const quarantined = await inQuarantine();
      const told = POISON.map(([what], index) => [what, codes(quarantined.get(places[index]!))]);
      expect(told).toEqual(POISON.map(([what, says]) => [what, expect.arrayContaining([says])]));
      expect((await ids(ANNE)).sort()).toEqual([...POISON.map((_, index) => `behind-${index}`), 'last'].sort());
    }, 60_000);

    it('that is a batch of seventy megabytes in a few kilobytes stands there message by message', async () => {
      const gzip = kafkajs.CompressionTypes.GZIP;
      const all = kafkajs.CompressionCodecs as Record<number, unknown>;
      const own = all[gzip];
      const before = (await inQuarantine()).size;
      const messages = Array.from({ length: 70 }, () => ({ key: BERT, value: Buffer.alloc(1_000_000), partition: 1 }));
      all[gzip] = () => ({ compress: async ({ buffer }: { buffer: Buffer }) => gzipSync(buffer) });
      try {
        await producer.send({ topic: careEventsTopic('Y90001'), messages, compression: gzip });
      } finally {
        all[gzip] = own;
      }
      await send(careEventsTopic('Y90001'), { ...said(BERT, 'behind', { source: 'urn:ods:Y90001' }), partition: 1 });
      expect(await stalled(looked())).toEqual([]);
      const found = [...(await inQuarantine()).values()].slice(before);
      expect(found.map(codes)).toEqual(new Array(70).fill([': unreadable']));
      expect(await ids(BERT)).toEqual(['behind']);
    }, 60_000);

    it('that may be an objection closes its person, and who objects behind it is obeyed', async () => {
      for (const number of [CARL, DORA]) await send(TOPIC, said(number, 'before'));
      const dates = Array.from({ length: 14_200 }, (_, index) =>
        new Date(Date.UTC(2030, 0, 1) + index * 3_600_000).toISOString(),
      );
      const exceptions = dates.map((start) => ({ type: 'deny', period: { start } }));
      const large = consent(CARL, { provision: { type: 'permit', provision: exceptions }, language: '' });
      const room = 1_001_757 - JSON.stringify(large).length;
      const sends = [
        decided(CARL, { ...large, language: 'x'.repeat(room) }),
        sent(CARL, '{"resourceType":"Consent"'),
        sent(CARL, null),
        decided(DORA, consent(DORA, {})),
      ];
      for (const message of sends) await send(CONSENT_TOPIC, { ...message, partition: 0 });
      expect(await stalled(looked())).toEqual([]);
      for (const purpose of PURPOSES) expect(await ids(CARL, purpose)).toEqual([]);
      expect([await ids(DORA), await ids(DORA, 'research')]).toEqual([['before'], []]);
    }, 60_000);

    it('that merges seventy numbers into one person holds up neither them nor who is behind them', async () => {
      for (const number of [EDIE, ...MERGED]) await send(TOPIC, said(number, `of-${number}`));
      expect(await stalled(looked())).toEqual([]);
      const link = [{ type: 'replaced-by', other: about(EDIE) }];
      const merges = MERGED.map((number) => {
        const data = { resourceType: 'Patient', id: number, identifier: [about(number).identifier], link };
        return said(number, `merge-${number}`, { type: 'patient-merged-1', data });
      });
      await producer.send({ topic: TOPIC, messages: merges });
      for (const number of [EDIE, MERGED[0]!]) await send(TOPIC, said(number, `behind-${number}`));
      expect(await stalled(looked())).toEqual([]);
      expect(MERGED).toHaveLength(70);
      const expected = [EDIE, ...MERGED].map((number) => `of-${number}`);
      expect((await ids(EDIE)).sort()).toEqual([...expected, `behind-${EDIE}`, `behind-${MERGED[0]}`].sort());
    }, 120_000);

    it('of whatever kind the fuzzer knows is in its record or in quarantine, and what is said of others arrives', async () => {
      const inputs = inputsOf(7, 0, INPUTS_A_ROUND).flatMap((input) => (input.kind === 'message' ? [input.message] : []));
      await wiring.bus.publish(inputs);
      await wiring.bus.publish(witnesses());
      expect(await stalled(looked())).toEqual([]);
      expect(await unaccounted(looked())).toEqual([]);
      expect(await missing(looked(), expected(), objecting())).toEqual([]);
    }, 120_000);
  });
}
