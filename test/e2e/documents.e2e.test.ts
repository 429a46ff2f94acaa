import { NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { type Region, startRegion } from './region.js';

const ANNE = '9990000018';
const LETTER = 'JVBERi0xLjcgYSBsZXR0ZXI=';
const subject = { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: ANNE } };
const URN = 'urn:uuid:6d2f6d1e-0000-4000-8000-000000000001';

/** As IHE's Mobile access to Health Documents (MHD) provides one. */
const provided = (id: string, more: object = {}) => ({
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [
    {
      resource: {
        ...{ resourceType: 'DocumentReference', id, status: 'current', subject, description: 'Discharge letter' },
        content: [{ attachment: { contentType: 'application/pdf', url: URN } }],
        ...more,
      },
      request: { method: 'PUT', url: `DocumentReference/${id}` },
    },
    {
      fullUrl: URN,
      resource: { resourceType: 'Binary', contentType: 'application/pdf', data: LETTER },
      request: { method: 'POST', url: 'Binary' },
    },
  ],
});

interface Entry {
  readonly id: string;
  readonly resource: { readonly content: [{ readonly attachment: { readonly url: string } }] };
}

describe('a document that is provided with its Binary', () => {
  let region: Region;
  beforeAll(async () => {
    region = await startRegion();
  }, 60_000);
  afterAll(() => region.close());

  /** The one entry of the record once a Bundle has come. */
  async function entryOnce(bundle: object): Promise<Entry> {
    const headers = { 'content-type': 'application/fhir+json' };
    const taken = await region.as(['publisher'], '/fhir', { method: 'POST', headers, body: JSON.stringify(bundle) });
    expect(taken.status).toBe(200);
    await region.settled();
    const { entries } = (await (await region.as(['clinician'], `/records/${ANNE}`)).json()) as { entries: Entry[] };
    expect(entries).toHaveLength(1);
    return entries[0]!;
  }

  it('is read from the record, until another one takes its place', async () => {
    const entry = await entryOnce(provided('d1'));
    expect(entry.id).toBe('RX901/DocumentReference/d1');
    const { url } = entry.resource.content[0].attachment;
    const attached = await region.as(['clinician'], url);
    expect([attached.status, attached.headers.get('content-type')]).toEqual([200, 'application/pdf']);
    expect(Buffer.from(await attached.arrayBuffer()).toString('base64')).toBe(LETTER);
    const relatesTo = [{ code: 'replaces', target: { reference: 'DocumentReference/d1' } }];
    const next = await entryOnce(provided('d2', { relatesTo }));
    expect(next.id).toBe('RX901/DocumentReference/d2');
    expect((await region.as(['clinician'], url)).status).toBe(404);
    expect((await region.as(['clinician'], next.resource.content[0].attachment.url)).status).toBe(200);
  });
});
