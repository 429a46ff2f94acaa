import { fhirProblems } from '@weft/care-events';
import { provision } from '@weft/domain';
import { ANNE, BERT, NOBODY, observation, openRegion, type Region } from './region.fixture.js';

const LETTER = Buffer.from('%PDF-1.7 a letter');

const document = (nhsNumber: string, id: string, more: object = {}) => ({
  ...{ resourceType: 'DocumentReference', id, status: 'current' },
  subject: observation(nhsNumber, id)['subject'],
  contained: [{ resourceType: 'Binary', id: 'Binary-b1', contentType: 'application/pdf', data: LETTER.toString('base64') }],
  content: [{ attachment: { contentType: 'application/pdf', url: '#Binary-b1' } }],
  ...more,
});

describe('what is attached to a document', () => {
  let region: Region;
  beforeAll(async () => {
    region = await openRegion();
    await region.publish('RX901', ANNE, document(ANNE, 'd1'));
    await region.publish('RX901', ANNE, document(ANNE, 'd2'));
    await region.publish('RX901', BERT, observation(BERT, 'o1'));
  });
  afterAll(() => region.close());

  const asClinician = (path: string) => region.ask(path, { roles: ['clinician'] });
  const urlIn = (resource: { content: { attachment: { url: string } }[] }) => resource.content[0]!.attachment.url;
  const D1 = `/records/${ANNE}/documents/RX901/d1/Binary-b1`;

  it('is fetched from the address that record and $everything have in its place, and audited', async () => {
    const record = await asClinician(`/records/${ANNE}`);
    const everything = await asClinician(`/fhir/Patient/${ANNE}/$everything`);
    for (const { text } of [record, everything]) expect(text).not.toContain('"Binary"');
    expect(fhirProblems(everything.body)).toEqual([]);
    const urls = [urlIn(record.body.entries[0].resource), urlIn(everything.body.entry[0].resource)];
    expect(urls).toEqual([D1, `${region.url}${D1}`]);
    const answer = await asClinician(D1);
    expect([answer.status, answer.text]).toEqual([200, LETTER.toString()]);
    expect(answer.headers.get('content-type')).toBe('application/pdf');
    expect(answer.headers.get('content-disposition')).toBe('attachment');
    expect(answer.headers.get('content-security-policy')).toContain('sandbox');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const audit = await region.ask(`/records/${ANNE}/audit`, { roles: ['governance'] });
    expect(audit.status).toBe(200);
    const readings = JSON.stringify(audit.body).match(/"action":"record"/g) ?? [];
    expect(readings.length).toBe(2);
  });

  it.each([
    ['a purpose that does not look at documents', `${D1}?purpose=care-coordination`, 404],
    ['a document that is not there', `/records/${ANNE}/documents/RX901/none/Binary-b1`, 404],
    ['something else that a document contains', `/records/${ANNE}/documents/RX901/d1/other`, 404],
    ['another source', `/records/${ANNE}/documents/RX901%3Alab/d1/Binary-b1`, 404],
    ['another person', `/records/${BERT}/documents/RX901/d1/Binary-b1`, 404],
    ['a number never heard of', `/records/${NOBODY}/documents/RX901/d1/Binary-b1`, 404],
    ['a purpose that is not a clinician’s', `${D1}?purpose=research`, 403],
    ['a parameter that is not understood', `${D1}?download=1`, 400],
  ])('is not given for %s', async (_, path, status) => {
    const answer = await asClinician(path);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain('PDF');
  });

  it('is for readers of records alone', async () => {
    expect((await region.ask(D1)).status).toBe(401);
    for (const role of ['publisher', 'operations', 'subscriber'] as const)
      expect((await region.ask(D1, { roles: [role] })).status).toBe(403);
    expect((await region.ask(D1, { roles: ['governance'] })).status).toBe(200);
  });

  it('is given no more from the moment at which its document is withheld, as if it had never been', async () => {
    const never = await asClinician(`/records/${ANNE}/documents/RX901/never/Binary-b1`);
    await region.appendDecision(ANNE, {
      authority: 'withheld-item',
      provision: provision('deny', ['direct-care'], {
        limits: [{ kind: 'entries', entries: [{ entry: 'RX901/DocumentReference/d1', reach: 'instance' }] }],
      }),
    });
    const withheld = await asClinician(D1);
    const without = (body: Record<string, unknown>) => ({ ...body, instance: undefined, requestId: undefined });
    expect([withheld.status, without(withheld.body)]).toEqual([404, without(never.body)]);
    expect((await asClinician(`/records/${ANNE}/documents/RX901/d2/Binary-b1`)).status).toBe(200);
  });
});
