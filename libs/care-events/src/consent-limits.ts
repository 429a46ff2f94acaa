import type { Code, Limit, NamedEntry, Organisation, Problem, Provision } from '@weft/domain';
import { periodOf } from './consent-framing.js';
import { hasUnknown, isObject, itemsOf, textOf, typeAddressed } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem } from './problems.js';

const MEMBERS_MAX = 1_000;
const CHARACTERS_MAX = 256;

type Organisations = ReadonlyMap<string, Organisation>;

/** One provision while it is read: what of it cannot be is noted in `unread`. */
export interface Here {
  readonly raw: Loose;
  readonly effect: Provision['effect'];
  readonly path: string;
  /** Whose server an address may name, in a permission: an organisation, with its system if it has one; null for nobody's. */
  readonly own: string | null;
  readonly unread: Problem[];
  readonly warnings: Problem[];
}

const SHARING_ACTIONS: readonly unknown[] = ['access', 'use', 'disclose'];
/** HL7's actions have had these addresses. */
const ACTION_SYSTEMS: readonly unknown[] = [
  'http://terminology.hl7.org/CodeSystem/consentaction',
  'http://hl7.org/fhir/consentaction',
];

function isSharing(action: Loose | null): boolean {
  if (action === null || !SHARING_ACTIONS.includes(action['code'])) return false;
  return action['system'] === undefined || ACTION_SYSTEMS.includes(action['system']);
}

export function limitsOf(here: Here, organisations: Organisations): Limit[] {
  const { raw } = here;
  const limits: Limit[] = [];
  const listed = <T>(
    field: string,
    items: readonly (Loose | null)[],
    read: (item: Loose) => T | null,
    limit: (members: readonly (T | null)[]) => Limit,
  ): void => {
    if (raw[field] !== undefined) limits.push(limitOf(here, field, items, read, limit));
  };
  listed(
    'actor',
    itemsOf(raw['actor']),
    (actor) => recorderNamed(actor, organisations, here),
    (members) => ({ kind: 'recorded-by', organisations: members }),
  );
  listed(
    'data',
    itemsOf(raw['data']),
    (data) => entryNamed(data, here, organisations),
    (entries) => ({ kind: 'entries', entries }),
  );
  listed('code', codingsOf(raw['code']), codeOf, (codes) => ({ kind: 'codes', codes }));
  listed('class', itemsOf(raw['class']), codeOf, (codes) => ({ kind: 'classes', codes }));
  listed('securityLabel', itemsOf(raw['securityLabel']), codeOf, (codes) => ({ kind: 'labels', codes }));
  if (raw['dataPeriod'] !== undefined) limits.push(dataPeriodOf(here));
  if (raw['action'] !== undefined && !codingsOf(raw['action']).some(isSharing)) {
    limits.push(unreadable(here, 'action', 'names no action of sharing (access, use, disclose)'));
  }
  return limits;
}

/** A limit that cannot be read at all, or has no room, is `unread`: a denial is not narrowed by it. */
function limitOf<T>(
  here: Here,
  field: string,
  items: readonly (Loose | null)[],
  read: (item: Loose) => T | null,
  limit: (members: readonly (T | null)[]) => Limit,
): Limit {
  if (items.length > MEMBERS_MAX) return unreadable(here, field, `names more than ${MEMBERS_MAX}`, 'too-many');
  const members = items.map((item) => (item === null ? null : read(item)));
  if (members.every((member) => member === null))
    return unreadable(here, field, 'limits this by something that is not understood here');
  if (members.includes(null))
    here.warnings.push(problem(`${here.path}.${field}`, 'unclear', 'names something that is not understood here'));
  return limit(members);
}

function unreadable({ path, unread }: Here, field: string, message: string, code = 'unclear'): Limit {
  unread.push(problem(`${path}.${field}`, code, message));
  return { kind: 'unread', field };
}

function dataPeriodOf({ raw, effect, path, unread }: Here): Limit {
  const period = periodOf(raw['dataPeriod'], effect, `${path}.dataPeriod`, unread);
  return period === null ? { kind: 'unread', field: 'dataPeriod' } : { kind: 'data-period', ...period };
}

const ODS_ORGANISATION = 'https://fhir.nhs.uk/Id/ods-organization-code';
const ODS_SITE = 'https://fhir.nhs.uk/Id/ods-site-code';
/** HL7 roles by which an actor is the one who recorded the entry; PROV is that of an organisation. Any other is a recipient. */
const RECORDING_ROLES: readonly unknown[] = ['CST', 'PROV'];
const ROLE_SYSTEM = /^http:\/\/(?:terminology\.hl7\.org\/CodeSystem\/v3-|hl7\.org\/fhir\/v3\/)(?:ParticipationType|RoleClass)$/;

/** The organisation that an actor names as the one who recorded: null for a recipient, a person, or somebody else's server. */
function recorderNamed(actor: Loose, organisations: Organisations, here: Here): string | null {
  const { role, reference } = actor;
  const roles = role === undefined ? [] : codingsOf(role);
  if (hasUnknown(actor, ['role', 'reference']) || !isObject(reference) || roles.length === 0 || !roles.every(isRecording))
    return null;
  if (!mayBeOrganisation(reference)) return null;
  const named = new Set(itemsOf(reference['identifier']).flatMap((identifier) => organisationsOf(identifier, organisations)));
  const [ods] = named;
  if (named.size !== 1 || ods === null || ods === undefined) return null;
  if (!organisations.has(ods)) {
    const message = 'names an organisation that is not one of this region, and nothing is covered by it';
    here.warnings.push(problem(`${here.path}.actor`, 'unknown-organisation', message));
  }
  return ods;
}

/** Whoever works at an organisation may carry its code, and is not the organisation. */
function mayBeOrganisation({ type, reference }: Loose): boolean {
  const addressed = typeAddressed(reference);
  if (type !== undefined) return type === 'Organization' && (addressed === undefined || addressed === type);
  return reference === undefined || addressed === 'Organization';
}

function isRecording(role: Loose | null): boolean {
  if (role === null || !RECORDING_ROLES.includes(role['code'])) return false;
  return role['system'] === undefined || ROLE_SYSTEM.test(textOf(role['system']) ?? '');
}

/** The organisation of an identifier, or of one of its sites; null for one that cannot be told, none for another kind of identifier. */
function organisationsOf(identifier: Loose | null, organisations: Organisations): (string | null)[] {
  if (identifier === null) return [null];
  const { system, value } = identifier;
  if (system !== ODS_ORGANISATION && system !== ODS_SITE) return [];
  const ods = /^[A-Za-z0-9]{1,9}$/.exec(textOf(value) ?? '')?.[0].toUpperCase();
  if (ods === undefined || organisations.has(ods)) return [ods ?? null];
  const ofSite = [...organisations.values()].find(({ sites = [] }) => sites.some((site) => site.toUpperCase() === ods))?.ods;
  return [ofSite ?? (system === ODS_ORGANISATION ? ods : null)];
}

const ENTRY = /(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64})$/;
const MEANINGS: readonly unknown[] = ['instance', 'related', 'dependents'];

/** `authoredby` names an author where the other meanings name an entry. */
function entryNamed(data: Loose, here: Here, organisations: Organisations): NamedEntry | null {
  const { meaning, reference } = data;
  const { effect } = here;
  const isKnown = MEANINGS.includes(meaning);
  if (meaning === 'authoredby' || !isObject(reference) || (!isKnown && effect === 'permit')) return null;
  if (hasUnknown(data, ['meaning', 'reference'])) return null;
  const entry = nameOf(textOf(reference['reference'])?.replace(/\/_history\/[^/]*$/, '') ?? '', here, organisations);
  return entry === null ? null : { entry, reach: isKnown ? (meaning as NamedEntry['reach']) : 'related' };
}

/**
 * An entry's own id, or its type and id alone. Before these stands an organisation, with its system if it has one, or the address
 * of somebody's server: in a denial what is no organisation of the region is passed over, so that it covers everybody's entry of
 * that name. In a permission an address means the sender's own server, whose entries alone it can name.
 */
function nameOf(reference: string, { effect, own }: Here, organisations: Organisations): string | null {
  const named = ENTRY.exec(reference)?.[1];
  if (named === undefined) return null;
  const before = reference.slice(0, -named.length);
  if (before === '') return named;
  if (/^[a-z]+:\/\//i.test(before)) return effect === 'deny' ? named : own && `${own}/${named}`;
  const ods = /^([A-Za-z0-9]{1,9})(?::[\x21-\x7e]+)?\/$/.exec(before)?.[1]?.toUpperCase();
  if (ods !== undefined && (effect === 'permit' || organisations.has(ods))) return reference;
  return effect === 'deny' ? named : null;
}

/** The codings of CodeableConcepts; null for one of text alone, or of something else, which cannot be read. */
function codingsOf(concepts: unknown): (Loose | null)[] {
  return itemsOf(concepts).flatMap((concept) => {
    const codings = concept === null ? [] : itemsOf(concept['coding']);
    return codings.length === 0 ? [null] : codings;
  });
}

function codeOf(coding: Loose): Code | null {
  const code = textOf(coding['code']);
  const system = textOf(coding['system']);
  if (code === undefined || code.length > CHARACTERS_MAX || (system?.length ?? 0) > CHARACTERS_MAX) return null;
  if (system === undefined) return coding['system'] === undefined ? { code } : null;
  return { system, code };
}
