import { openRegion, type Region } from './region.fixture.js';

let region: Region;
beforeAll(async () => (region = await openRegion()));
afterAll(() => region.close());

const reason = 'The board agreed';
const stateOf = async (ods: string) =>
  (await region.ask('/organisations', { roles: ['operations'] })).body.find((one: { ods: string }) => one.ods === ods);
const NEW = { ods: 'RX904', name: 'Ambulance trust', kind: 'acute', sites: ['RX904A'], reason };

describe('the organisations of a region', () => {
  it('are at first those of the settings, with the kinds that the first policy says', async () => {
    const { body } = await region.ask('/organisations', { roles: ['governance'] });
    expect(body.map(({ ods, kind, sends, reads, added }: typeof body) => [ods, kind, sends, reads, added])).toEqual([
      ['Y90001', 'gp', true, true, null],
      ['RX901', 'acute', true, true, null],
      ['RX902', 'mental-health', true, true, null],
      ['RX903', 'community', true, true, null],
    ]);
  });

  it.each([
    [{ ...NEW, ods: 'rx904' }, 400, 'ods'],
    [{ ...NEW, kind: 'hospital' }, 400, 'kind'],
    [{ ...NEW, name: ' ' }, 400, 'name'],
    [{ ...NEW, sites: ['?'] }, 400, 'sites'],
    [{ ...NEW, reason: 'About 9990000018' }, 400, 'reason'],
    [{ ...NEW, suspended: true }, 400, 'suspended'],
    [{ ...NEW, ods: 'RX901' }, 409, undefined],
  ])('are not added by %j', async (body, status, field) => {
    const refused = await region.govern('anna', '/organisations', body);
    expect([refused.status, refused.body.errors?.[0].field]).toEqual([status, field]);
  });

  it('are added on the word of one, and read on the word of two; both are in the audit', async () => {
    const added = await region.govern('anna', '/organisations', NEW);
    expect([added.status, added.body]).toMatchObject([
      202,
      { ods: 'RX904', kind: null, sends: true, reads: false, added: { by: { subject: 'anna' }, reason } },
    ]);
    expect(added.body.proposal).toMatchObject({ state: 'waiting', opens: true, reason });
    const read = () => region.ask('/records/9990000018', { as: { roles: ['clinician'], organisation: 'RX904' } });
    expect([(await read()).status, (await read()).body.title]).toEqual([403, 'Your organisation may not read yet']);
    const { id } = added.body.proposal;
    expect((await region.govern('anna', `/policies/${id}/authorisations`, {})).status).toBe(403);
    expect((await region.govern('bert', `/policies/${id}/authorisations`, {})).status).toBe(200);
    expect((await read()).status).toBe(404);
    expect(await stateOf('RX904')).toMatchObject({ kind: 'acute', reads: true });
    expect((await region.wiring.bus.topics()).map(({ topic }) => topic)).toContain('weft.care-events.RX904');
    const today = new Date().toISOString().slice(0, 10);
    const { entries } = (await region.ask(`/audit?day=${today}`, { roles: ['governance'] })).body;
    expect(entries.map(({ who, action, about }: typeof entries) => [who, action, about])).toEqual(
      expect.arrayContaining([
        ['anna', 'add-organisation', 'RX904'],
        ['anna', 'propose-policy', `proposal ${id}`],
        ['bert', 'adopt-policy', 'version 2'],
      ]),
    );
  });

  it('are suspended by one and reinstated by two', async () => {
    const suspend = (ods: string) => region.govern('anna', `/organisations/${ods}/suspensions`, { reason });
    const reinstate = (subject: string) => region.govern(subject, '/organisations/RX904/reinstatements', { reason });
    expect((await reinstate('anna')).status).toBe(409);
    expect((await suspend('RX999')).status).toBe(404);
    expect((await suspend('RX904')).body).toMatchObject({ sends: false, reads: true, suspended: { by: { subject: 'anna' } } });
    expect((await suspend('RX904')).status).toBe(409);
    expect([(await reinstate('anna')).status, (await reinstate('anna')).status, (await reinstate('bert')).status]).toEqual([
      202, 202, 200,
    ]);
    expect(await stateOf('RX904')).toMatchObject({ sends: true, suspended: null, reinstatement: null });
  });

  it('that the settings name otherwise are said to differ', async () => {
    const { body } = await region.ask('/policy');
    expect([body.organisations.RX904, body.organisationsDiffer]).toEqual(['acute', []]);
  });
});
