import type { RegionOrganisation } from '@weft/processing';
import { RegionOrganisations } from './region-organisations.js';

const organisation = (ods: string, suspensions: RegionOrganisation['suspensions'] = []): RegionOrganisation => ({
  ...{ ods, name: ods, kind: 'acute', added: null, suspended: null, reinstatement: null, suspensions },
});

describe('the organisations from which something may be taken', () => {
  it('are all that are known, uncopied, save at times when one was suspended', async () => {
    const all = [organisation('RX901'), organisation('RX902', [{ from: 10, until: 20 }])];
    const known = new Map(all.map((one) => [one.ods, one]));
    const organisations = new RegionOrganisations(async () => ({ known, kinds: {} }));
    await organisations.look();
    for (const time of [9, 20]) expect(organisations.sendingAt(time)).toBe(known);
    for (const time of [10, 19]) expect([...organisations.sendingAt(time).keys()]).toEqual(['RX901']);
  });
});
