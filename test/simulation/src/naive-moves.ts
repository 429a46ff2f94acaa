import type { EntryLearnt, EntryMovedAway, RecordedCareEvent, Review, SeenAge } from '@weft/domain';

/** What the records of two people say to each other of an entry. */
export const isWord = ({ type }: { readonly type: string }): boolean => type.startsWith('entry-');

/** The same as versions of the entry: one that ended it here, or those that another record knew. */
type Version = RecordedCareEvent & { readonly word?: 'away' | 'learnt' | 'doubted'; readonly learns?: Review };

export const wentAway = ({ word }: Version): boolean => word === 'away';
/** It counts as having come before, and never stood. */
export const isLearnt = ({ word }: Version): boolean => word === 'learnt' || word === 'doubted';

type Age = Pick<SeenAge, 'versionId' | 'lastUpdated'>;

export function asVersions(event: object): Version[] {
  const word = event as EntryMovedAway | EntryLearnt | { readonly type: 'entry-doubted-1'; readonly entry: string };
  if (word.type === 'entry-moved-away-1') return [versionOf(word, 'away', word.age)];
  if (word.type === 'entry-doubted-1') return [versionOf(word as unknown as EntryLearnt, 'doubted', NO_AGE)];
  const said = { ...versionOf(word, 'learnt', NO_AGE), ...(word.review !== undefined && { learns: word.review }) };
  return [said, ...word.seen.map((age) => versionOf(word, 'learnt', age))];
}

const NO_AGE: Age = { versionId: null, lastUpdated: null };

function versionOf(event: EntryMovedAway | EntryLearnt, word: Version['word'], { versionId, lastUpdated }: Age): Version {
  const [source, resourceType, id] = event.entry.split('/') as [string, string, string];
  const meta = {
    ...(versionId !== null && { versionId: String(versionId) }),
    ...(lastUpdated !== null && { lastUpdated: new Date(lastUpdated).toISOString() }),
  };
  const { organisation, coordinates, recordedAt } = event;
  const key = (event as { readonly key?: string }).key;
  return {
    ...{ type: 'care-event-retracted-1', id: 'word', source: `urn:ods:${source}`, organisation, coordinates, recordedAt },
    ...{
      time: recordedAt,
      resource: { resourceType, id, meta, word: true },
      word: word as 'away',
      ...(key !== undefined && { key }),
    },
  };
}

/** What the last of those that stood is to be reviewed for: what was learnt since the one before, or is doubted since. */
export function reviewOf(versions: readonly Version[], stood: readonly Version[]): { readonly review?: Review } {
  const [before, last] = [stood.at(-2), stood.at(-1)].map((one) => (one === undefined ? -1 : versions.indexOf(one))) as [
    number,
    number,
  ];
  if (versions.slice(last).some(({ word }) => word === 'doubted')) return { review: 'number-unclear' };
  const learnt = versions.slice(before + 1, last).findLast(({ learns }) => learns !== undefined)?.learns;
  return learnt === undefined ? {} : { review: learnt };
}
