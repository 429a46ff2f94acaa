import { bytesOf, textOf } from './encoding.js';
import { EngineDamaged, WrongExpectedRevision } from './errors.js';
import { NO_STREAM, type Clock, type EventStore, type Random } from './ports.js';
import { REGION_STREAM } from './streams.js';

/** What a region's keys, names and chains are made with. */
export const REGION_SECRETS = ['region', 'research', 'integrity'] as const;
export type RegionSecret = (typeof REGION_SECRETS)[number];

/** By secret, what can be made of it, the region's id and nothing else, and does not lead back to it. */
export type Fingerprints = Readonly<Record<RegionSecret, string>>;

/** The region that a store holds. */
export interface Region {
  readonly id: string;
  /** RFC 3339. */
  readonly madeAt: string;
  readonly fingerprints: Fingerprints;
  /** Of the stream's last event. */
  readonly revision: number;
}

type RegionEvent =
  | { readonly type: 'region-made-1'; readonly id: string; readonly madeAt: string; readonly fingerprints: Fingerprints }
  /** From then on another secret stands in the place of one that may be changed. */
  | {
      readonly type: 'region-secret-changed-1';
      readonly secret: RegionSecret;
      readonly fingerprint: string;
      readonly changedAt: string;
    };

type Surroundings = { readonly store: EventStore; readonly random: Random; readonly clock: Clock };

/** Null of a store that no region has been made in, or only by a Weft that did not say so. */
export async function loadRegion(store: Pick<EventStore, 'read'>): Promise<Region | null> {
  let region: Region | null = null;
  for (const { type, revision, data } of await store.read(REGION_STREAM)) {
    const event = { type, ...(JSON.parse(textOf(data)) as object) } as RegionEvent;
    if (event.type === 'region-made-1' && region === null) region = { ...madeBy(event), revision };
    else if (event.type === 'region-secret-changed-1' && region !== null) region = { ...changed(region, event), revision };
    else throw new EngineDamaged('store', `${REGION_STREAM} holds ${type} where this version of Weft cannot read it`);
  }
  return region;
}

const madeBy = ({ id, madeAt, fingerprints }: Extract<RegionEvent, { type: 'region-made-1' }>) => ({ id, madeAt, fingerprints });

const changed = (region: Region, { secret, fingerprint }: Extract<RegionEvent, { type: 'region-secret-changed-1' }>): Region => ({
  ...region,
  fingerprints: { ...region.fingerprints, [secret]: fingerprint },
});

/** The region of the store: of several that make it at one time the first one’s. */
export async function ensureRegion(around: Surroundings, fingerprintsIn: (id: string) => Fingerprints): Promise<Region> {
  const { store, random, clock } = around;
  const known = await loadRegion(store);
  if (known !== null) return known;
  const id = random.uuid();
  try {
    const madeAt = new Date(clock.now()).toISOString();
    await append(around, NO_STREAM, { type: 'region-made-1', id, madeAt, fingerprints: fingerprintsIn(id) });
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error;
  }
  return ensureRegion(around, fingerprintsIn);
}

/** Throws WrongExpectedRevision where somebody else changed one meanwhile. */
export async function changeRegionSecret(
  around: Surroundings,
  { revision }: Region,
  secret: Exclude<RegionSecret, 'region'>,
  fingerprint: string,
): Promise<void> {
  const changedAt = new Date(around.clock.now()).toISOString();
  await append(around, revision, { type: 'region-secret-changed-1', secret, fingerprint, changedAt });
}

async function append({ store, random }: Surroundings, expected: number, { type, ...data }: RegionEvent): Promise<void> {
  await store.append(REGION_STREAM, expected, [{ id: random.uuid(), type, data: bytesOf(JSON.stringify(data)) }]);
}
