import { sameJson } from '@weft/domain';
import type { Resource } from '@weft/domain';
import { identifierOfConditional, isObject, objectsOf, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { stableUuid } from './stable-uuid.js';

/** What a reference of a Bundle's entry leads to: what is about nobody and is kept with it, or another entry, by type and id. */
export type Target = { readonly kept: Resource } | { readonly entry: string; readonly source: string };
export type TargetOf = (reference: Loose) => Target | undefined;

/** How much an entry may take with it. */
export interface Room {
  readonly resources: number;
  readonly characters: number;
  /** Of what is attached to it, which is its own. */
  readonly attached?: number;
}

export interface WithKept {
  readonly resource: Resource;
  /** Of what it took with it. */
  readonly characters: number;
  /** Whether it refers to more than there was room for. */
  readonly isCut: boolean;
}

/**
 * A resource with what it refers to that is about nobody as contained resources, each once, so that whoever is given the one has the
 * other. What holds within a Bundle alone is written as it holds outside: a urn:uuid as type and id, a conditional reference as an
 * identifier.
 */
export function withKept(
  resource: Resource,
  targetOf: TargetOf,
  room: Room,
  attachedAt: (url: string) => Resource | undefined = () => undefined,
): WithKept {
  const { contained: own, ...rest } = resource;
  const keeping = new Keeping(objectsOf(own), targetOf, room, attachedAt);
  const written = keeping.write(rest, NOTHING);
  keeping.writeOwn();
  const { contained, labels, characters, isCut } = keeping;
  if (written === rest && !keeping.isChanged) return { resource, characters, isCut };
  const meta = labels.length === 0 ? resource.meta : { ...resource.meta, security: [...securityOf(resource), ...labels] };
  const whole = { ...written, ...(meta !== undefined && { meta }), ...(contained.length > 0 && { contained }) };
  return { resource: whole as unknown as Resource, characters, isCut };
}

/** Where references within one resource lead, `#` and an id without the `#`. */
type Within = ReadonlyMap<string, string>;
const NOTHING: Within = new Map();

/** The contained resources of one entry, as they become more. */
class Keeping {
  readonly contained: Loose[];
  /** How confidential they are: what is contained says nothing of it in FHIR (dom-5), what contains it does. */
  readonly labels: Loose[] = [];
  characters = 0;
  isCut = false;
  isChanged = false;
  private charactersAttached = 0;
  private readonly own: number;
  private readonly ids: Set<unknown>;
  private readonly kept = new Map<string, string>();

  constructor(
    own: readonly Loose[],
    private readonly targetOf: TargetOf,
    private readonly room: Room,
    private readonly attachedAt: (url: string) => Resource | undefined,
  ) {
    this.contained = [...own];
    this.own = own.length;
    this.ids = new Set(own.map(({ id }) => id));
  }

  /** What the resource contained before. */
  writeOwn(): void {
    for (let index = 0; index < this.own; index += 1) {
      const before = this.contained[index]!;
      this.contained[index] = this.write(before, NOTHING);
      this.isChanged ||= this.contained[index] !== before;
    }
  }

  /** The same value where nothing in it changes. What stands in a resource within it means other things by its references. */
  write(value: Loose, within: Within): Loose {
    const isReference = typeof value['reference'] === 'string' || isObject(value['identifier']);
    const before = isReference ? this.placed(value, within) : typeof value['url'] === 'string' ? this.attached(value) : value;
    let after = before;
    for (const name in before) {
      const item = before[name];
      const written = this.writeItem(item, within);
      if (written !== item) after = after === before ? { ...before, [name]: written } : Object.assign(after, { [name]: written });
    }
    return after;
  }

  private writeItem(item: unknown, within: Within): unknown {
    if (Array.isArray(item)) {
      const written = item.map((one: unknown) => this.writeItem(one, within));
      return written.some((one, index) => one !== item[index]) ? written : item;
    }
    return isObject(item) && item['resourceType'] === undefined ? this.write(item, within) : item;
  }

  private placed(reference: Loose, within: Within): Loose {
    const text = textOf(reference['reference']) ?? '';
    if (text.startsWith('#')) {
      const id = within.get(text.slice(1));
      return id === undefined ? reference : { ...reference, reference: `#${id}` };
    }
    const target = this.targetOf(reference);
    if (target !== undefined && 'kept' in target) {
      const id = this.place(target.kept);
      if (id !== undefined) return { ...reference, reference: `#${id}` };
    } else if (target !== undefined && target.entry !== text && isWithinBundle(text))
      return { ...reference, reference: target.entry };
    return outsideOf(reference, text);
  }

  private attached(attachment: Loose): Loose {
    const binary = this.attachedAt(attachment['url'] as string);
    const id = binary === undefined ? undefined : this.place(binary, true);
    return id === undefined ? attachment : { ...attachment, url: `#${id}` };
  }

  private place(target: Resource, isAttached = false): string | undefined {
    const { key, characters } = measured(target);
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    if (this.hasAlready(key, target)) return key;
    const hasRoom = isAttached
      ? this.characters + characters <= (this.room.attached ?? 0)
      : this.characters - this.charactersAttached + characters <= this.room.characters;
    if (this.kept.size === this.room.resources || !hasRoom) {
      this.isCut = true;
      return undefined;
    }
    this.characters += characters;
    if (isAttached) this.charactersAttached += characters;
    this.isChanged = true;
    const id = this.freeId(key);
    this.kept.set(key, id);
    const at = this.contained.push({ resourceType: target.resourceType, id }) - 1;
    this.contained[at] = this.lifted(target, id);
    return id;
  }

  /** Brought by something else that it belongs to. */
  private hasAlready(id: string, target: Resource): boolean {
    const { contained: _, meta, ...rest } = target;
    if (!this.ids.has(id)) return false;
    const wanted = { ...rest, id, ...saidBy(meta) };
    return this.contained.some((one) => one['id'] === id && sameJson(one, wanted));
  }

  /** FHIR has nothing contained in what is contained (dom-2): it moves up. */
  private lifted(target: Resource, id: string): Loose {
    const { contained: inner, meta, ...rest } = target;
    this.labels.push(...securityOf(target));
    const within = new Map([['', id]]);
    const moved = objectsOf(inner).map((one) => {
      const ownId = textOf(one['id']) ?? '';
      const isThere = this.contained.some((other) => other['id'] === ownId && sameJson(other, one));
      const newId = isThere ? ownId : this.freeId(ownId, id);
      within.set(ownId, newId);
      return { one, newId, isThere };
    });
    for (const { one, newId, isThere } of moved) if (!isThere) this.contained.push({ ...this.write(one, within), id: newId });
    return { ...this.write(rest, within), id, ...saidBy(meta) };
  }

  private freeId(wanted: string, of = ''): string {
    const isFree = /^[A-Za-z0-9.-]{1,64}$/.test(wanted) && !this.ids.has(wanted);
    const id = isFree ? wanted : stableUuid(`${this.ids.size} ${of} ${wanted}`);
    this.ids.add(id);
    return id;
  }
}

const measurements = new WeakMap<Resource, { readonly key: string; readonly characters: number }>();

/** What a resource is called where it is contained, and its size: thousands of entries may refer to it. */
function measured(target: Resource): { readonly key: string; readonly characters: number } {
  const known = measurements.get(target);
  if (known !== undefined) return known;
  const text = JSON.stringify(target);
  const key = target.id === undefined ? stableUuid(text) : `${target.resourceType}-${target.id}`;
  const measurement = { key, characters: text.length };
  measurements.set(target, measurement);
  return measurement;
}

/** What is contained has no versions and no labels of its own (dom-4, dom-5). */
function saidBy(meta: Resource['meta']): { readonly meta?: object } {
  const { versionId: _, lastUpdated: __, security: ___, ...said } = meta ?? {};
  return Object.keys(said).length > 0 ? { meta: said } : {};
}

/** By an id that was made for the message, or that may have been. */
const isWithinBundle = (text: string): boolean => /^(?:urn:uuid:|[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$)/.test(text);

const securityOf = ({ meta }: Resource): Loose[] => objectsOf(meta?.['security']);

/** A conditional reference means something to the server that takes a transaction, and to nobody after. */
function outsideOf(reference: Loose, text: string): Loose {
  const conditional = identifierOfConditional(text);
  if (conditional === null || reference['identifier'] !== undefined) return reference;
  const { type, system, value } = conditional;
  const { reference: _, ...rest } = reference;
  return { ...rest, type, identifier: { system, value } };
}
