import { PURPOSES } from '@weft/domain';
import { type AuditEntry, keysOfPerson, type TimeAsOne, timesAsOne, type Wiring } from '@weft/processing';
import { auditAbout, type StoredAuditEntry } from '@weft/service';
import { namesByPseudonym } from './disclosures.js';

/** Days of the calendar, UTC, the last one too. */
export interface Days {
  readonly from: string;
  readonly to: string;
}

/**
 * What was audited about a person in these days, oldest first: looks, decisions, and what subscribers were told. Subscribers
 * know the person by their purpose's key, so the entries are looked for under the four keys of each number of the person's;
 * they come back under the region's, because whoever reads this is not to learn what research calls the person.
 */
export async function auditOfPerson(wiring: Wiring, patient: string, days: Days): Promise<StoredAuditEntry[]> {
  const own = new Set([patient, ...(await keysOfPerson(wiring.store, patient))]);
  const times = await timesAsOne(wiring.store, patient);
  const names = namesOf(wiring, [...own, ...times.keys()]);
  const found = new Map<string, StoredAuditEntry>();
  const keep = ({ id, revision, entry }: StoredAuditEntry): void => {
    const name = entry.patient === null ? undefined : names.get(entry.patient);
    const day = entry.time.slice(0, 10);
    if (name === undefined || day < days.from || day > days.to) return;
    const isOfPerson = own.has(name) || entry.alsoOf?.some((key) => own.has(key)) === true;
    if (!isOfPerson && !(namesByPseudonym(wiring, entry) && wereOneOn(times.get(name) ?? [], day))) return;
    found.set(id, { id, revision, entry: { ...(namesByPseudonym(wiring, entry) ? byDay(entry) : entry), patient: name } });
  };
  for (const name of names.keys()) for await (const one of auditAbout(wiring.store, name, days.from)) keep(one);
  return [...found.values()].sort(byTime);
}

/** An entry of what research was told names nobody else, and is the first of its day: so whoever was one person with them on that day. */
const wereOneOn = (times: readonly TimeAsOne[], day: string): boolean =>
  times.some(({ since, until }) => since.slice(0, 10) <= day && (until === null || until.slice(0, 10) >= day));

/** The subscriber knows to the second when they were told of which pseudonym, and by which request. */
const byDay = (entry: AuditEntry): AuditEntry => ({
  ...entry,
  time: `${entry.time.slice(0, 10)}T00:00:00.000Z`,
  request: null,
});

/** Total, so that a page can go on behind the last entry of the one before. */
export const placeOf = ({ id, entry }: StoredAuditEntry): string => `${entry.time}_${id}`;
const byTime = (a: StoredAuditEntry, b: StoredAuditEntry): number => (placeOf(a) < placeOf(b) ? -1 : 1);

/** Every key under which entries about the person may stand, with the region's key of the number that it is of. */
const namesOf = (wiring: Wiring, numbers: Iterable<string>): ReadonlyMap<string, string> =>
  new Map([...numbers].flatMap((key) => PURPOSES.map((purpose) => [wiring.keys.view(purpose, key), key] as const)));
