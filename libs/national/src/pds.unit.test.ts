import { describeDemographics } from '@weft/testing';
import { FakePds } from './pds.fixture.js';

describeDemographics('PDS in memory, with which the tests work', async () => {
  const pds = new FakePds();
  return { demographics: pds, put: (one) => pds.put(one), fail: (one) => pds.fail(one), close: async () => undefined };
});
