import type { Entry } from '../care-record/record.js';
import { heldIn, lettersOf } from '../views/letters.js';
import { PROJECTIONS, type Projection } from '../views/projection.js';
import { DEFAULT_RULES } from './default-policy.js';
import { type Notices, READERS, rolesToTell, silentRules } from './notices.js';
import type { Judge } from './permits.js';
import type { Policy } from './policy.js';

const DIRECT_CARE = PROJECTIONS.find(({ purpose }) => purpose === 'direct-care') as Projection;
const COORDINATION = PROJECTIONS.find(({ purpose }) => purpose === 'care-coordination') as Projection;

const policyWith = (notices?: Notices): Policy => ({
  name: 'test',
  rules: DEFAULT_RULES,
  organisations: {},
  ...(notices && { notices }),
});

/** Whom the policy has told of a record whose entries are each decided by one of these rules. */
function told(rules: readonly string[], notices?: Notices, projection = DIRECT_CARE) {
  const policy = policyWith(notices);
  const entries = rules.map((_, n) => {
    const resource = { resourceType: 'Observation', id: `o${n}` };
    const id = `RX901/Observation/o${n}`;
    return [
      id,
      { id, organisation: 'RX901', resourceType: 'Observation', resource, retracted: false } as unknown as Entry,
    ] as const;
  });
  const judge: Judge = ({ id }) => {
    const rule = rules[Number(id.slice(id.lastIndexOf('o') + 1))] as string;
    return { permitted: rule === 'individual-care', rule, decision: null, plainEnglish: '' };
  };
  const letters = lettersOf({ entries: new Map(entries) }, projection, judge, silentRules(policy));
  return rolesToTell(heldIn(letters, silentRules(policy)), policy);
}

const SILENT: Notices = { silent: ['withheld-item'] };

describe('that something is withheld', () => {
  it('is told to every reader as shipped, whatever the authority, and also where a policy’s rule or no rule withholds it', () => {
    expect(told(['individual-care'])).toEqual([]);
    for (const rule of ['withheld-item', 'explicit-consent-refused', 'local-dissent', 'a-rule-of-the-locality', 'no-rule'])
      expect(told(['individual-care', rule])).toEqual(READERS);
  });

  it('is told to those alone whom the policy names', () => {
    expect(told(['local-dissent'], { withheld: ['governance'] })).toEqual(['governance']);
    expect(told(['local-dissent'], { withheld: [] })).toEqual([]);
  });

  it('is told to nobody where all of it is withheld under an authority of which nothing is said', () => {
    expect(told(['withheld-item', 'individual-care', 'withheld-item'], SILENT)).toEqual([]);
    expect(told(['withheld-item', 'local-dissent'], SILENT)).toEqual(READERS);
    expect(told(['withheld-item', 'no-rule'], SILENT)).toEqual(READERS);
    expect(told(['withheld-item'], { silent: [] })).toEqual(READERS);
  });

  it('is not told of what is none of the purpose’s concern', () => {
    expect(told(['local-dissent'], undefined, COORDINATION)).toEqual([]);
  });
});
