import { acceptEvent, decisionsOfConsent } from '@weft/care-events';
import { nhsNumberProblem } from '@weft/domain';
import { DEFAULT_ORGANISATIONS } from '@weft/service';
import { checkedPeople, generateRegion, partsOf, type Life } from './region.js';
import { STORIES } from './stories.js';

const NOW = Date.UTC(2026, 4, 4, 9, 30);
const organisations = new Map(DEFAULT_ORGANISATIONS.map((organisation) => [organisation.ods, organisation]));
const parts = partsOf(DEFAULT_ORGANISATIONS);
const region = (people: number, seed = 1): Life[] => [...generateRegion({ seed, people, now: NOW, parts })];

describe('the demo region', () => {
  const lives = region(60);

  it('sends only what the gateway accepts, each organisation as itself', () => {
    const refused = lives
      .flatMap(({ events }) => events)
      .flatMap(({ ods, event }) => {
        const { data, ...attributes } = event;
        const bytes = Buffer.from(JSON.stringify(data));
        const received = { attributes, data: { ok: true as const, event: data }, bytes };
        const reading = acceptEvent(received, { organisations, now: NOW, sender: ods });
        return reading.ok ? [] : [{ type: event.type, resource: data.resourceType, problems: reading.problems }];
      });
    expect(refused).toEqual([]);
  });

  it('carries decisions that are read back whole', () => {
    const recorder = { as: 'governance', organisation: null, subject: 'demo' } as const;
    const context = { id: 'x', source: 'urn:weft:governance', recorder, receivedAt: NOW, digest: '', organisations };
    const readings = lives.flatMap(({ decisions }) => decisions).map((consent) => decisionsOfConsent(consent, context));
    expect(readings.filter((reading) => !reading.ok || reading.warnings.length > 0)).toEqual([]);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(region(20)).toEqual(region(20));
    expect(region(20)).not.toEqual(region(20, 2));
  });

  it('begins with the same people however many there are, so that a larger run repeats nothing', () => {
    expect(region(60).slice(0, 20)).toEqual(region(20));
  });

  it('numbers everybody in the synthetic range, with the right check digit and nobody twice', () => {
    const numbers = lives.map(({ person }) => person.nhsNumber);
    expect(new Set(numbers).size).toBe(lives.length);
    expect(numbers.filter((number) => !number.startsWith('999') || nhsNumberProblem(number) !== null)).toEqual([]);
  });

  it('names every event once within its source, but for the one that is sent twice', () => {
    const ids = lives.flatMap(({ events }) => events.map(({ event }) => `${event.source} ${event.id}`));
    expect(ids.length - new Set(ids).size).toBe(1);
  });

  it('shows every kind of event and every authority, even when small', () => {
    const small = region(STORIES.length);
    const types = new Set(small.flatMap(({ events }) => events.map(({ event }) => event.type)));
    const authorities = small.flatMap(({ decisions }) => decisions.map((consent) => JSON.stringify(consent['policy'])));
    expect([...types].sort()).toEqual(['care-event-recorded-1', 'care-event-retracted-1', 'patient-died-1', 'patient-merged-1']);
    expect(authorities.map((policy) => /authority:([a-z0-9-]+)/.exec(policy)?.[1]).sort()).toEqual([
      'explicit-consent',
      'local-dissent',
      'local-dissent',
      'local-dissent',
      'national-data-opt-out',
      'national-data-opt-out',
      'type-1',
      'withheld-item',
    ]);
  });

  it('leaves the first person undecided, with something from everybody: the one to try things on', () => {
    const [{ events, decisions }] = lives as [Life];
    expect(new Set(events.map(({ ods }) => ods))).toEqual(new Set(organisations.keys()));
    expect(decisions).toEqual([]);
  });

  it('needs an organisation of each kind, and says which is missing', () => {
    expect(() => partsOf(DEFAULT_ORGANISATIONS.filter(({ kind }) => kind !== 'acute'))).toThrow(/none of: acute/);
  });

  it.each([0, 500_001])('refuses a region of %i people', (people) => {
    expect(() => checkedPeople(people)).toThrow(/1 to 500000/);
  });
});
