import { isObject, objectsOf, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { stableUuid } from './stable-uuid.js';

/** What makes the ids of a request's events: the caller's word that two requests are one, or a key that is new for each request. */
export interface RequestKeys {
  /** The header Idempotency-Key. */
  readonly given?: string;
  readonly fresh: string;
  /** That FHIR's messaging says it: a message sent again has the same MessageHeader.id. */
  readonly byMessage?: boolean;
}

/**
 * The ids of the events of one FHIR request. What a resource says is no part of them: a state that comes back is a new event. Under
 * the same key the same entry gets the same id, so that a repetition is one event, and another content under it a conflict.
 */
export class RequestIds {
  private readonly key: readonly string[];
  private readonly named = new Map<string, number>();

  constructor(
    private readonly source: string,
    request: unknown,
    { given, fresh, byMessage = false }: RequestKeys,
  ) {
    const said = identifierOf(request) ?? (byMessage ? messageOf(request) : undefined);
    this.key = given === undefined ? (said ?? ['request', fresh]) : ['key', given];
  }

  /** Of the next entry, by the type and id of its resource; of several of one name by their order. */
  next({ resourceType, id }: { readonly resourceType: string; readonly id?: unknown }): string {
    const name = `${resourceType}/${textOf(id) ?? ''}`;
    const nth = this.named.get(name) ?? 0;
    this.named.set(name, nth + 1);
    return stableUuid(JSON.stringify([this.source, ...this.key, name, nth]));
  }
}

/** https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.identifier */
function identifierOf(request: unknown): readonly string[] | undefined {
  if (!isObject(request) || request['resourceType'] !== 'Bundle' || !isObject(request['identifier'])) return undefined;
  const { system, value } = request['identifier'];
  const text = textOf(value);
  return text === undefined ? undefined : ['bundle', textOf(system) ?? '', text];
}

function messageOf(request: unknown): readonly string[] | undefined {
  const id = textOf(messageHeaderOf(request)?.['id']);
  return id === undefined ? undefined : ['message', id];
}

/** A message's first entry says what it is. */
export function messageHeaderOf(request: unknown): Loose | undefined {
  const [first] = objectsOf(isObject(request) ? request['entry'] : undefined);
  const header = first?.['resource'];
  return isObject(header) && header['resourceType'] === 'MessageHeader' ? header : undefined;
}
