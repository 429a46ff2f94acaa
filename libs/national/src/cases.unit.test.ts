import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PersonAsKept } from '@weft/testing';
import { openRegion } from './region.fixture.js';

/** National events with what PDS says and what must come of them: beside the checkout, or wherever WEFT_HL7V2_CASES says. */
const CASES = process.env['WEFT_HL7V2_CASES'] ?? fileURLToPath(new URL('../../../../shared/cases/hl7v2', import.meta.url));

interface Answered extends Partial<PersonAsKept> {
  readonly status: number;
  readonly id: string;
  readonly etag?: string;
}
interface Case {
  readonly id: string;
  readonly about: string;
  readonly national: object;
  readonly pds: Readonly<Record<string, Answered>>;
  readonly expect: {
    readonly events?:
      | string
      | readonly {
          readonly type: string;
          readonly subject: string;
          readonly survivor?: string;
          readonly deceasedDateTime?: string;
        }[];
    readonly notDeleted?: readonly string[];
  };
}

const cases = existsSync(CASES)
  ? readdirSync(CASES)
      .filter((name) => /^n\d+.*\.json$/.test(name))
      .map((name) => JSON.parse(readFileSync(join(CASES, name), 'utf8')) as Case)
  : [];

(cases.length > 0 ? describe : describe.skip)('the cases of national events (skipped where they are not)', () => {
  it.each(cases.map((one) => [one.id, one] as const))('%s', async (_, { national, pds, expect: wanted }) => {
    const region = await openRegion();
    for (const [path, { id, etag, ...person }] of Object.entries(pds)) {
      const asked = path.replace('GET Patient/', '');
      const version = Number(/\d+/.exec(etag ?? 'W/"10"')![0]);
      region.pds.put({ ...person, nhsNumber: id, version });
      if (asked !== id) region.pds.put({ nhsNumber: asked, supersededBy: id });
    }
    await region.sendAndHandle(JSON.stringify(national));
    const told = await region.told();
    expect(await region.refusals()).toEqual([]);
    if (typeof wanted.events === 'object') {
      expect(
        told.map(({ type, subject, resource }) => ({
          ...{ type, subject },
          ...(type === 'patient-merged-1' && { survivor: /"value":"(\d+)"/.exec(JSON.stringify(resource['link']))![1] }),
          ...(type === 'patient-died-1' && { deceasedDateTime: resource['deceasedDateTime'] }),
        })),
      ).toEqual(wanted.events);
    } else expect(told).toMatchObject([{ type: 'care-event-recorded-1' }]);
    for (const member of wanted.notDeleted ?? []) {
      expect(told[0]!.resource[member]).toMatchObject([{ extension: [{ valueCode: 'masked' }] }]);
    }
  });
});
