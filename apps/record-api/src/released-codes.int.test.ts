import { checkDigitOf } from '@weft/testing';
import { openRegion, type Region } from './region.fixture.js';

const CODES = { 'http://snomed.info/sct': ['44054006'] };
let region: Region;
beforeAll(async () => (region = await openRegion()));
afterAll(() => region.close());

describe('the codes that population health and research are told', () => {
  it.each([
    [{ codes: CODES }, 'reason'],
    [{ codes: { 'http://example.org': ['a'] }, reason: 'x' }, 'codes'],
    [{ codes: { 'http://snomed.info/sct': ['44054007'] }, reason: 'x' }, 'codes'],
    [{ codes: CODES, reason: 'About 9990000018' }, 'reason'],
  ])('are not proposed by %j', async (body, field) => {
    const refused = await region.govern('anna', '/released-codes', body);
    expect([refused.status, refused.body.errors[0].field]).toEqual([400, field]);
  });

  it('are other ones once a second person has authorised what one proposed', async () => {
    const proposed = await region.govern('anna', '/released-codes', { codes: CODES, reason: 'The committee agreed' });
    expect([proposed.status, proposed.body]).toMatchObject([
      202,
      { codes: {}, waiting: { codes: CODES, by: { subject: 'anna' } } },
    ]);
    const authorise = (subject: string) =>
      region.govern(subject, `/released-codes/${proposed.body.waiting.id}/authorisations`, {});
    expect((await authorise('anna')).status).toBe(403);
    expect((await authorise('bert')).status).toBe(200);
    expect((await authorise('bert')).status).toBe(404);
    const { body } = await region.ask('/released-codes', { roles: ['governance'] });
    expect(body).toMatchObject({ codes: CODES, authorisedBy: { subject: 'bert' }, waiting: null });
  });

  it('are replaced by a list of three megabytes as by any other', async () => {
    const list = Array.from({ length: 160_000 }, (_, number) => {
      const digits = `1${String(number).padStart(7, '0')}100000010`;
      return `${digits}${checkDigitOf(digits)}`;
    });
    const codes = { 'http://snomed.info/sct': list };
    const proposed = await region.govern('anna', '/released-codes', { codes, reason: 'The committee agreed' });
    expect(proposed.text.length).toBeGreaterThan(3_000_000);
    const { id } = proposed.body.waiting;
    const { status, body } = await region.govern('bert', `/released-codes/${id}/authorisations`, {});
    expect([status, body.waiting, JSON.stringify(body.codes) === JSON.stringify(codes)]).toEqual([200, null, true]);
  });
});
