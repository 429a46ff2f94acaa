import { instantOf } from '@weft/care-events';
import type { Person } from '@weft/domain';
import { timestamp, type Wiring } from '@weft/processing';
import { Arrivals, type ListenerZone } from './arrivals.js';
import { compare, type CompareOptions, type Finding } from './compare.js';
import { BadManifest, isOfHl7v2, type Manifest, type ManifestSource } from './manifest.js';
import type { SignedStatement, StatementKey } from './statement.js';
import { keepStatement } from './statements.js';

type ReconcileWiring = Pick<Wiring, 'bus' | 'store' | 'random' | 'clock' | 'timers'>;

/** Of which region, by what it signs, and the listeners for HL7 v2 that are in the settings. */
export interface Reconciling {
  readonly region: string;
  readonly key: StatementKey;
  readonly listeners: readonly ListenerZone[];
  /** Who asked. */
  readonly by: Person;
}

/**
 * Compares a manifest that was read with what arrived, states it, and keeps the statement: it is durable once this resolves. Throws BadManifest
 * where the manifest speaks of a time to come, and what `compare` throws.
 */
export async function reconcile(
  wiring: ReconcileWiring,
  source: ManifestSource,
  manifest: Manifest,
  { region, key, listeners, by }: Reconciling,
  options: CompareOptions = {},
): Promise<SignedStatement> {
  const comparedAt = timestamp(wiring.clock);
  if (instantOf(manifest.until)! > wiring.clock.now())
    throw new BadManifest([
      { field: 'until', code: 'too-late', message: 'is still to come: of what is not sent yet nothing can be said' },
    ]);
  const arrivals = await Arrivals.open(wiring, manifest, listeners);
  const compared = await compare(source, manifest, arrivals, options);
  const { kind, organisation, listener, from, until, items, digest } = manifest;
  const signed = key.sign({
    ...{ statement: 1, id: wiring.random.uuid(), region, kind, organisation, ...(listener !== undefined && { listener }) },
    ...{ from, until, manifest: { items, digest }, comparedAt, ...compared },
  });
  await keepStatement(wiring, { ...signed, by });
  return signed;
}

/** What tells of an organisation's own message, and of nobody else's record. */
const OF_ITSELF = ['id conflict', 'data too-large'];

/**
 * As its sender may have it. Of an event refused behind the gateway the reason may be what others said of the person; HL7 v2 is refused by what
 * it says itself.
 */
export function asToldToSender(manifest: Manifest, finding: Finding): Finding {
  if (finding.problems === undefined || isOfHl7v2(manifest)) return finding;
  const { problems, ...rest } = finding;
  const told = problems.filter(({ field, code }) => OF_ITSELF.includes(`${field} ${code}`));
  return told.length === 0 ? rest : { ...rest, problems: told };
}
