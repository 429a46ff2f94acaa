import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { openEmbeddedBus, openEmbeddedStore } from '@weft/embedded';
import { bytesAsText, type RawEvent, RawEvents, textAsBytes } from '@weft/hl7v2';
import { EngineUnavailable, type EventBus, type Timers, hl7v2Topic, OrganisationBook } from '@weft/processing';
import { createLogger, type Hl7v2Listener, loadSettings, createRegion, type Service, systemTimers } from '@weft/service';
import { bytesOfCase, casesOf, whereThereAreCases, type Case, type WireStep } from '../../../libs/hl7v2/src/cases.fixture.js';
import { Authority, type Certified, whereThereIsOpenSsl } from './certificates.fixture.js';
import { WAITS } from './connection.js';
import { admission, Engine } from './engine.fixture.js';
import { RawIntake } from './raw-intake.js';
import { listenFor, type Listening } from './listening.js';
import { Measures } from './measures.js';

const TOPIC = hl7v2Topic('RX901');

describe('the HL7 v2 gateway', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-hl7-gateway-'));
  let service: Service;
  let bus: EventBus;
  let isAway = false;
  const logged: string[] = [];
  const listenings: Listening[] = [];
  const engines: Engine[] = [];

  beforeAll(async () => {
    const listeners = join(directory, 'listeners.json');
    writeFileSync(listeners, JSON.stringify([{ name: 'pas', organisation: 'RX901', port: 0 }]));
    const settings = loadSettings({ WEFT_DATA_DIR: directory, WEFT_HL7V2_LISTENERS: listeners });
    bus = await openEmbeddedBus({ directory });
    const away: EventBus = Object.assign(Object.create(bus) as EventBus, {
      publish: (messages: Parameters<EventBus['publish']>[0]) =>
        isAway ? Promise.reject(new EngineUnavailable('bus', 'away')) : bus.publish(messages),
    });
    const log = createLogger({ logLevel: 'trace' }, { write: (line) => void logged.push(line) });
    service = await createRegion(settings, { bus: away, store: await openEmbeddedStore({ directory }), log });
  });

  afterEach(async () => {
    isAway = false;
    for (const engine of engines.splice(0)) engine.socket.destroy();
    await Promise.all(listenings.splice(0).map((listening) => listening.stop()));
  });

  afterAll(async () => {
    await bus.close();
    await service.store.close();
    rmSync(directory, { recursive: true });
  });

  let made = 0;
  async function listen(
    more: Partial<Hl7v2Listener> = {},
    timers: Timers = systemTimers,
    waits = WAITS,
  ): Promise<Hl7v2Listener & { readonly port: number }> {
    made += 1;
    const listener = { ...service.settings.hl7v2Listeners[0]!, name: `pas-${made}`, ...more };
    const measures = new Measures(service.metrics, listener.name);
    const listening = await listenFor(
      listener,
      new RawIntake(Object.assign(Object.create(service) as Service, { timers }), listener, measures),
      measures,
      service.log,
      waits,
    );
    listenings.push(listening);
    return { ...listener, port: listening.port };
  }

  function engineAt({ port }: { readonly port: number }): Engine {
    const engine = new Engine(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
    engines.push(engine);
    return engine;
  }

  /** What a listener stored, each event once, in order. */
  async function storedBy({ name }: Hl7v2Listener): Promise<RawEvent[]> {
    const reader = new RawEvents();
    const events = new Map<string, RawEvent>();
    for (const { partition, high } of await bus.offsets(TOPIC)) {
      for (let next = 0; next < high;) {
        const messages = await bus.read(TOPIC, partition, next);
        for (const message of messages) {
          const event = reader.take(message);
          if (event?.source === `urn:ods:RX901:${name}`) events.set(event.id, event);
        }
        next = messages.at(-1)!.offset + 1;
      }
    }
    return [...events.values()];
  }

  const metric = async (listener: Hl7v2Listener, name: string): Promise<string[]> =>
    (await service.metrics.registry.metrics())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{listener="${listener.name}"`));

  const textsOf = (events: readonly RawEvent[]): string[] => events.map(({ bytes }) => bytesAsText(bytes));

  it('stores a message as it came before it acknowledges it, and says where', async () => {
    const listener = await listen();
    const engine = engineAt(listener);
    engine.sendFrame(admission('A1'));
    expect(await engine.acknowledgements(1)).toEqual(['AA:A1']);
    const [event] = await storedBy(listener);
    expect(bytesAsText(event!.bytes)).toBe(admission('A1'));
    expect(event).toMatchObject({
      kind: 'message',
      source: `urn:ods:RX901:${listener.name}`,
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(engine.answers[0]).toMatch(/MSA\|AA\|A1\|weft\.hl7v2\.RX901\/\d\/\d+\r/);
  });

  it('takes nothing of an organisation from when it is suspended, and again from when it is reinstated', async () => {
    const { store, clock, random, organisations } = service;
    const book = new OrganisationBook(store, clock, random);
    const listener = await listen();
    const engine = engineAt(listener);
    await book.suspend('RX901', { subject: 'anna', organisation: null }, 'Wrong numbers');
    await organisations.look();
    engine.sendFrame(admission('S1'));
    expect(await engine.acknowledgements(1)).toEqual(['AR:S1']);
    for (const subject of ['anna', 'bert']) await book.reinstate('RX901', { subject, organisation: null }, 'Mended');
    await organisations.look();
    engine.sendFrame(admission('S2'));
    expect(await engine.acknowledgements(2)).toEqual(['AR:S1', 'AA:S2']);
    expect(textsOf(await storedBy(listener))).toEqual([admission('S2')]);
  });

  it('makes one event of the same bytes, whenever and over whichever connection they come, and another of another listener’s', async () => {
    const [one, other] = [await listen(), await listen()];
    for (const listener of [one, one, other]) {
      const engine = engineAt(listener);
      engine.sendFrame(admission('A1'));
      await engine.acknowledgements(1);
    }
    const ids = [...(await storedBy(one)), ...(await storedBy(other))].map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
    expect(ids).toHaveLength(2);
  });

  it('keeps the order of what it is sent, and answers in it', async () => {
    const listener = await listen();
    const engine = engineAt(listener);
    const ids = Array.from({ length: 200 }, (_, index) => `B${index}`);
    engine.send(ids.map((id) => `\u000b${admission(id)}\u001c\r`).join(''));
    expect(await engine.acknowledgements(200)).toEqual(ids.map((id) => `AA:${id}`));
    expect(textsOf(await storedBy(listener))).toEqual(ids.map((id) => admission(id)));
  });

  it('answers in the order of the messages, though a refusal is known at once', async () => {
    const engine = engineAt(await listen());
    const [stored, refused] = [admission('R1'), admission('R2', { processingId: 'T' })];
    engine.send([stored, refused].map((message) => `\u000b${message}\u001c\r`).join(''));
    expect(await engine.acknowledgements(2)).toEqual(['AA:R1', 'AR:R2']);
  });

  it('takes a document that no message of the bus could carry', async () => {
    const listener = await listen();
    const engine = engineAt(listener);
    const large = `${admission('L1')}OBX|1|ED|||^AP^PDF^Base64^${'A'.repeat(5_000_000)}\r`;
    engine.sendFrame(large);
    expect(await engine.acknowledgements(1)).toEqual(['AA:L1']);
    expect(textsOf(await storedBy(listener))).toEqual([large]);
  });

  it.each([
    ['too-large', 'x'.repeat(1024 * 1024), 'AR:C1'],
    ['processing-id', '', 'AR:C1', { processingId: 'T' }],
    ['processing-id', '', 'AR:C1', { processingId: '' }],
    ['not-the-sender', '', 'AR:C1', { facility: 'RX902' }],
    ['no-control-id', '', 'AR:', {}, ''],
  ])('refuses %s, stores nothing and counts it', async (reason, text, acknowledged, more = {}, id = 'C1') => {
    const listener = await listen({ frameBytesMax: 1024 * 1024 });
    const engine = engineAt(listener);
    engine.sendFrame(admission(id, { ...more, text, version: '2.5' }));
    expect(await engine.acknowledgements(1)).toEqual([acknowledged]);
    expect(engine.answers[0]).toContain(`|E|${reason}|`);
    expect(engine.answers[0]).not.toMatch(/LARCH|9990000018/);
    expect(await storedBy(listener)).toEqual([]);
    expect(await metric(listener, 'weft_hl7v2_messages_total')).toEqual([
      `weft_hl7v2_messages_total{listener="${listener.name}",outcome="${reason}"} 1`,
    ]);
  });

  it('takes test messages where it is not for production, and no others', async () => {
    const engine = engineAt(await listen({ production: false }));
    for (const [index, processingId] of ['T', 'D', 'P', 'X'].entries())
      engine.sendFrame(admission(`T${index}`, { processingId }));
    expect(await engine.acknowledgements(4)).toEqual(['AA:T0', 'AA:T1', 'AR:T2', 'AR:T3']);
  });

  it('keeps what a sender never ended, and tells it that it was refused', async () => {
    const listener = await listen();
    const engine = engineAt(listener);
    engine.send(`\u000b${admission('D1')}`);
    engine.socket.end();
    expect(await engine.acknowledgements(1)).toEqual(['AR:D1']);
    await engine.ended;
    expect(await storedBy(listener)).toMatchObject([{ kind: 'truncated', bytes: textAsBytes(admission('D1')) }]);
  });

  it('counts a control id that comes again with other content, and a batch that was miscounted', async () => {
    const listener = await listen();
    const engine = engineAt(listener);
    for (const text of ['', '', '-SMITH']) engine.sendFrame(admission('E1', { text }));
    engine.sendFrame(`BHS|^~\\&|PAS\r${admission('E2')}BTS|2\r`);
    await engine.acknowledgements(4);
    expect(await metric(listener, 'weft_hl7v2_notes_total')).toEqual([
      `weft_hl7v2_notes_total{listener="${listener.name}",note="control-id-reused"} 1`,
      `weft_hl7v2_notes_total{listener="${listener.name}",note="batch-count"} 1`,
    ]);
  });

  it('says nothing while the bus is away, and AE once the sender has waited ten seconds; then all is taken as before', async () => {
    const slept: [number, () => void][] = [];
    const timers: Timers = {
      sleep: (ms) => (ms < 1_000 ? systemTimers.sleep(1) : new Promise((resolve) => slept.push([ms, resolve]))),
    };
    const listener = await listen({}, timers);
    const engine = engineAt(listener);
    isAway = true;
    engine.sendFrame(admission('G1'));
    while (slept.length < 1) await systemTimers.sleep(5);
    expect([slept[0]![0], engine.answers]).toEqual([10_000, []]);
    slept[0]![1]();
    expect(await engine.acknowledgements(1)).toEqual(['AE:G1']);
    engine.sendFrame(admission('G1'));
    while (slept.length < 2) await systemTimers.sleep(5);
    isAway = false;
    expect(await engine.acknowledgements(2)).toEqual(['AE:G1', 'AA:G1']);
    expect(textsOf(await storedBy(listener))).toEqual([admission('G1')]);
  });

  it('keeps the order of what waited for the bus', async () => {
    const listener = await listen();
    const engine = engineAt(listener);
    const ids = Array.from({ length: 100 }, (_, index) => `O${index}`);
    const half = (from: number) =>
      ids
        .slice(from, from + 50)
        .map((id) => `\u000b${admission(id)}\u001c\r`)
        .join('');
    isAway = true;
    engine.send(half(0));
    while ((await metric(listener, 'weft_hl7v2_held_bytes'))[0]!.endsWith(' 0')) await systemTimers.sleep(5);
    isAway = false;
    engine.send(half(50));
    expect(await engine.acknowledgements(100)).toEqual(ids.map((id) => `AA:${id}`));
    expect(textsOf(await storedBy(listener))).toEqual(ids.map((id) => admission(id)));
  });

  it('ends a connection whose frame is open and of which nothing comes, and no other', async () => {
    const listener = await listen({}, systemTimers, { ...WAITS, slow: 40 });
    const [slow, idle] = [engineAt(listener), engineAt(listener)];
    idle.sendFrame(admission('S1'));
    await idle.acknowledgements(1);
    slow.send(`\u000b${admission('S2')}`);
    expect(await slow.acknowledgements(1)).toEqual(['AR:S2']);
    await slow.ended;
    expect((await metric(listener, 'weft_hl7v2_connections_refused_total'))[0]).toContain('reason="slow"} 1');
    idle.sendFrame(admission('S3'));
    expect(await idle.acknowledgements(2)).toEqual(['AA:S1', 'AA:S3']);
  });

  it('reads no more than it may hold while the bus is away, and all of it afterwards', async () => {
    const listener = await listen({ heldBytesMax: 200_000 });
    isAway = true;
    const senders = Array.from({ length: 4 }, () => engineAt(listener));
    const ids = senders.map((_, sender) => Array.from({ length: 40 }, (_, index) => `H${sender}-${index}`));
    const text = 'x'.repeat(20_000);
    for (const [sender, engine] of senders.entries()) for (const id of ids[sender]!) engine.sendFrame(admission(id, { text }));
    const heldBytes = async (): Promise<number> => Number((await metric(listener, 'weft_hl7v2_held_bytes'))[0]!.split(' ')[1]);
    while ((await heldBytes()) < 200_000) await systemTimers.sleep(5);
    // Each connection may have been within what it was given at once.
    for (let looks = 0; looks < 20; looks += 1) {
      expect(await heldBytes()).toBeLessThan(200_000 + 4 * 2 * 65_536);
      await systemTimers.sleep(5);
    }
    isAway = false;
    for (const [sender, engine] of senders.entries()) {
      expect(await engine.acknowledgements(40)).toEqual(ids[sender]!.map((id) => `AA:${id}`));
    }
    expect(await storedBy(listener)).toHaveLength(160);
    expect(await heldBytes()).toBe(0);
  });

  it('lets the frame that has been open for longest end where open frames are all that it may hold', async () => {
    const listener = await listen({ heldBytesMax: 100_000, frameBytesMax: 1024 * 1024 });
    const senders = Array.from({ length: 3 }, () => engineAt(listener));
    const frames = senders.map((_, index) => `\u000b${admission(`I${index}`, { text: 'x'.repeat(400_000) })}`);
    for (const [index, engine] of senders.entries()) engine.send(frames[index]!.slice(0, 300_000));
    for (const [index, engine] of senders.entries()) engine.send(`${frames[index]!.slice(300_000)}\u001c\r`);
    for (const [index, engine] of senders.entries()) expect(await engine.acknowledgements(1)).toEqual([`AA:I${index}`]);
  });

  it('takes so many connections of an address and no more, and one again once another is gone', async () => {
    const listener = await listen({ connectionsPerAddress: 2 });
    const [first, second] = [engineAt(listener), engineAt(listener)];
    for (const engine of [first, second]) {
      engine.sendFrame(admission('J1'));
      await engine.acknowledgements(1);
    }
    await engineAt(listener).ended;
    expect((await metric(listener, 'weft_hl7v2_connections_refused_total'))[0]).toContain('reason="too-many"} 1');
    first!.socket.destroy();
    while (!(await metric(listener, 'weft_hl7v2_connections'))[0]!.endsWith(' 1')) await systemTimers.sleep(5);
    const third = engineAt(listener);
    third.sendFrame(admission('J2'));
    expect(await third.acknowledgements(1)).toEqual(['AA:J2']);
  });

  it('answers what it has read before it stops', async () => {
    const listener = await listen();
    const engine = engineAt(listener);
    const idle = engineAt(listener);
    isAway = true;
    engine.sendFrame(admission('K1'));
    while (!(await metric(listener, 'weft_hl7v2_held_bytes'))[0]!.endsWith(` ${admission('K1').length}`))
      await systemTimers.sleep(5);
    const stopped = listenings.pop()!.stop();
    isAway = false;
    expect(await engine.acknowledgements(1)).toEqual(['AA:K1']);
    await Promise.all([stopped, engine.ended, idle.ended]);
  });

  whereThereIsOpenSsl('with TLS (needs openssl)', () => {
    let ours: Authority;
    let pas: Certified;
    let tls: NonNullable<Hl7v2Listener['tls']>;
    beforeAll(() => {
      ours = new Authority(directory, 'region');
      const server = ours.certify('server', '/CN=localhost');
      pas = ours.certify('pas', '/O=Acute trust/CN=pas');
      const authority = readFileSync(ours.file, 'utf8');
      tls = { certificate: server.cert, key: server.key, authority, subjects: ['O=Acute trust, CN=pas'] };
    });
    const engineBy = (listener: Hl7v2Listener, options: ConnectionOptions): Engine => {
      const { port } = listener;
      const engine = new Engine(connectTls({ host: '127.0.0.1', port, ca: tls.authority, ...options }));
      engines.push(engine);
      return engine;
    };

    it.each(['TLSv1.2', 'TLSv1.3'] as const)('takes what the right certificate sends, over %s', async (version) => {
      const listener = await listen({ tls });
      const engine = engineBy(listener, { cert: pas.cert, key: pas.key, minVersion: version, maxVersion: version });
      engine.send(`\u000b${admission('M1')}\u001c\r\u000b${admission('M2')}\u001c\r`);
      engine.socket.end();
      expect(await engine.acknowledgements(2)).toEqual(['AA:M1', 'AA:M2']);
      expect(textsOf(await storedBy(listener))).toEqual([admission('M1'), admission('M2')]);
    });

    it.each([
      ['no certificate', 'handshake', () => ({})],
      ['one of another authority', 'handshake', () => new Authority(directory, 'other').certify('pas', '/O=Acute trust/CN=pas')],
      ['one of another subject', 'not-a-sender', () => ours.certify('lab', '/O=Acute trust/CN=lab')],
      ['one whose name only looks so', 'not-a-sender', () => ours.certify('forged', '/CN=x, O=Acute trust, CN=pas')],
      ['TLS 1.1', 'handshake', () => ({ ...pas, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })],
    ])('takes nothing of who has %s', async (_, reason, options) => {
      const listener = await listen({ tls });
      const engine = engineBy(listener, options() as ConnectionOptions);
      engine.sendFrame(admission('M3'));
      await engine.ended;
      expect([engine.answers, await storedBy(listener)]).toEqual([[], []]);
      expect((await metric(listener, 'weft_hl7v2_connections_refused_total'))[0]).toContain(`reason="${reason}"} 1`);
    });

    it('takes nothing in the clear', async () => {
      const listener = await listen({ tls });
      const engine = engineAt(listener);
      engine.sendFrame(admission('M4'));
      await engine.ended;
      expect([engine.answers, await storedBy(listener)]).toEqual([[], []]);
    });
  });

  it('names nobody in its log', () => {
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.join('')).not.toMatch(/LARCH|9990000018|M1\^/);
  });

  whereThereAreCases('the cases of the wire', () => {
    it.each(casesOf('f').filter(({ wire }) => wire !== undefined))('$id: $about', async (one) => {
      const listener = await listen();
      const engine = engineAt(listener);
      for (const step of one.wire!) await play(engine, step);
      await matches(engine, one);
      const events = (await storedBy(listener)).filter(({ kind }) => kind === 'message');
      expect(events.map(({ bytes }) => /\|(F\d)\|P\|/.exec(bytesAsText(bytes))![1])).toEqual(one.expect.handled);
      if (one.expect.family !== undefined) expect(new TextDecoder().decode(events[0]!.bytes)).toContain(one.expect.family);
    });

    it.each(casesOf('k'))('$id: $about', async (one) => {
      const listener = await listen();
      const engine = engineAt(listener);
      const { id, messages = [] } = one;
      for (const index of messages.keys()) engine.sendFrame(bytesOfCase(id, messages.length > 1 ? index + 1 : undefined));
      await matches(engine, one);
      expect(await storedBy(listener)).toHaveLength(one.expect.events ?? messages.length);
      if (one.expect.reason !== undefined)
        expect((await metric(listener, 'weft_hl7v2_messages_total'))[0]).toContain(one.expect.reason);
    });
  });

  async function play(
    engine: Engine,
    { send, sendUtf8, splitAfterByte, pauseMs, halfClose, repeat, bytes = 0 }: WireStep,
  ): Promise<void> {
    if (sendUtf8 !== undefined) {
      const all = new TextEncoder().encode(sendUtf8);
      engine.send(all.subarray(0, splitAfterByte));
      await systemTimers.sleep(50);
      engine.send(all.subarray(splitAfterByte));
    }
    if (send !== undefined) engine.send(send);
    if (pauseMs !== undefined) await systemTimers.sleep(pauseMs);
    if (halfClose === true) engine.socket.end();
    for (let sent = 0; repeat !== undefined && sent < bytes; sent += 1024 * 1024) {
      const isTaken = engine.socket.write(new Uint8Array(1024 * 1024).fill(repeat.charCodeAt(0)));
      if (!isTaken) await new Promise((resolve) => engine.socket.once('drain', resolve));
    }
  }

  async function matches(engine: Engine, { expect: { acks } }: Case): Promise<void> {
    const given = await engine.acknowledgements(acks.length);
    expect(given.map((one, index) => (acks[index]!.includes(':') ? one : one.slice(0, 2)))).toEqual(acks);
  }
});
