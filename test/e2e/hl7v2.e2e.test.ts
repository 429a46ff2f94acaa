import { connect } from 'node:net';
import { once } from 'node:events';
import { Engine } from '../../apps/hl7-gateway/src/engine.fixture.js';
import { A, adt, B, obx, oru, pv1 } from '../../libs/hl7v2/src/mapping/messages.fixture.js';
import { type Region, startRegion } from './region.js';

interface Entry {
  readonly resourceType: string;
  readonly resource: Record<string, unknown>;
}

describe('HL7 v2, from an engine’s socket to a reader', () => {
  const ports = new Map<string, number>();
  const logged: string[] = [];
  let region: Region;
  let engine: (listener: string) => Promise<Engine>;
  const engines: Engine[] = [];

  beforeAll(async () => {
    region = await startRegion({
      listeners: [
        { name: 'pas', organisation: 'RX901', port: 0 },
        { name: 'lab', organisation: 'RX901', port: 0 },
      ],
      log: (line) => {
        logged.push(line);
        const { listener, port } = JSON.parse(line) as { listener?: string; port?: number };
        if (listener !== undefined && port !== undefined) ports.set(listener, port);
      },
    });
    engine = async (listener) => {
      const socket = connect(ports.get(listener)!, '127.0.0.1');
      await once(socket, 'connect');
      const one = new Engine(socket);
      engines.push(one);
      return one;
    };
  });

  afterAll(async () => {
    for (const { socket } of engines) socket.destroy();
    await region.close();
  });

  /** Sends them one by one, as engines do. */
  async function send(listener: string, ...messages: readonly string[]): Promise<void> {
    const one = await engine(listener);
    for (const [index, message] of messages.entries()) {
      one.sendFrame(message.replaceAll('\n', '\r'));
      expect((await one.acknowledgements(index + 1)).at(-1)).toMatch(/^AA:/);
    }
    await region.settled();
  }

  async function entriesOf(number: string): Promise<readonly Entry[]> {
    const response = await region.as(['clinician'], `/records/${number}`);
    if (response.status === 404) return [];
    return ((await response.json()) as { entries: Entry[] }).entries;
  }

  const typesOf = async (number: string): Promise<string[]> => (await entriesOf(number)).map((one) => one.resourceType).sort();
  const status = async () =>
    (await (await region.as(['operations'], '/status?counts=true')).json()) as {
      groups: { group: string; lag: number }[];
      hl7v2Waiting: Record<string, { messages: number; reasons: object }>;
    };

  const result = oru({ mrn: 'M1', number: '' }, 'F1', 'FBC', {}, obx('NM', 'HB', '140.0'));

  it('is a record once it is known whose it is, and waits till then', async () => {
    await send('lab', result);
    expect(await typesOf(A)).toEqual([]);
    expect(await status()).toMatchObject({
      groups: expect.arrayContaining([expect.objectContaining({ group: 'weft.hl7-projector', lag: 0 })]),
      hl7v2Waiting: { RX901: { messages: 1, reasons: { 'person-unknown': 1 } } },
    });
    await send('pas', adt('A28', { mrn: 'M1' }), adt('A01', { mrn: 'M1' }, pv1()));
    expect(await typesOf(A)).toEqual(['DiagnosticReport', 'Encounter', 'Observation', 'Patient']);
    const text = await (await region.as(['clinician'], `/records/${A}`)).text();
    expect(text).toContain('"value":140.0');
    expect((await status()).hl7v2Waiting['RX901']).toEqual({ messages: 0, reasons: {}, since: null });
  });

  it('is the same when it is sent again, and gone once it is cancelled', async () => {
    const before = await entriesOf(A);
    await send('lab', result);
    expect(await entriesOf(A)).toEqual(before);
    await send('pas', adt('A11', { mrn: 'M1', at: '20240611100000' }, pv1()));
    expect(await typesOf(A)).toEqual(['DiagnosticReport', 'Observation', 'Patient']);
  });

  it('stands in quarantine where it contradicts what is known, and is filed when it is sent again after a correction', async () => {
    await send('pas', adt('A28', { mrn: 'M2' }));
    await send('lab', oru({ mrn: 'M2', number: B }, 'F2', 'FBC', {}, obx('NM', 'HB', '150')));
    const standing = (await (await region.as(['operations'], '/quarantine')).json()) as { id: string; problems: object[] }[];
    expect(standing).toMatchObject([{ problems: [{ field: 'PID[1]-3', code: 'number-contradicts-index' }] }]);
    await send('pas', adt('A31', { mrn: 'M2', number: B, at: '20240612100000' }));
    const path = `/quarantine/${encodeURIComponent(standing[0]!.id)}/redrive`;
    expect((await region.as(['operations'], path, { method: 'POST' })).status).toBe(200);
    await region.settled();
    expect(await typesOf(B)).toEqual(['DiagnosticReport', 'Observation', 'Patient']);
    expect(await (await region.as(['operations'], '/quarantine')).json()).toEqual([]);
  });

  it('is counted, and nothing of it is logged', async () => {
    const metrics = await (await region.as(['operations'], '/metrics')).text();
    expect(metrics).toContain('weft_hl7v2_mapped_total{listener="lab",outcome="quarantined"} 1');
    expect(metrics).toContain('weft_group_lag_messages{group="weft.hl7-projector",topic="weft.hl7v2.RX901"} 0');
    expect(metrics).toContain('weft_hl7v2_waiting_seconds{organisation="RX901"} 0');
    expect(logged.join('\n')).not.toMatch(/99900000|LARCH|"M1"/);
  });
});
