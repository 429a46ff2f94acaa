import type { Person } from '@weft/domain';
import { bytesOf, EngineDamaged, type EventStore, type StoredEvent, textOf, unlessFenced, type Wiring } from '@weft/processing';
import type { SignedStatement } from './statement.js';

/** A statement that was given, and to whom. */
export interface KeptStatement extends SignedStatement {
  readonly by: Person;
}

const STATED = 'reconciliation-stated-1';
/** What is listed, and looked through for the last of each kind. */
const LATELY = 100;

/** What was stated of an organisation's manifests, in the order in which it was. */
const statementsStream = (organisation: string): string => `reconciliations-${organisation}`;

/** Resolves once it is durable. */
export async function keepStatement({ store, random }: Pick<Wiring, 'store' | 'random'>, kept: KeptStatement): Promise<void> {
  const stream = statementsStream(kept.statement.organisation);
  const event = { id: random.uuid(), type: STATED, data: bytesOf(JSON.stringify(kept)) };
  for (let revision: number | null = null; revision === null;) {
    revision = await unlessFenced(store.append(stream, await store.head(stream), [event]));
  }
}

/** The last ones of an organisation, at most a hundred, the newest first. */
export async function lastStatements(store: Pick<EventStore, 'read'>, organisation: string): Promise<KeptStatement[]> {
  return (await store.read(statementsStream(organisation), { backwards: true, maxCount: LATELY })).map(decode);
}

/** The last one of each kind, and listener, of an organisation. */
export async function lastOfEach(store: Pick<EventStore, 'read'>, organisation: string): Promise<KeptStatement[]> {
  const found = new Map<string, KeptStatement>();
  for (const one of await lastStatements(store, organisation)) {
    const { kind, listener } = one.statement;
    const name = JSON.stringify([kind, listener]);
    if (!found.has(name)) found.set(name, one);
  }
  return [...found.values()];
}

function decode({ stream, type, data }: StoredEvent): KeptStatement {
  if (type !== STATED) throw new EngineDamaged('store', `${stream} holds ${type}, which this version of Weft cannot read`);
  return JSON.parse(textOf(data)) as KeptStatement;
}
