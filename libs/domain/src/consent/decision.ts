import type { Interval } from '../fhir-time.js';
import type { Authority, Purpose } from '../vocabulary.js';

/** One code, with its system where it says one. */
export interface Code {
  readonly system?: string;
  readonly code: string;
}

/** An entry that a decision names. */
export interface NamedEntry {
  /** `<ODS code>/<resource type>/<resource id>`, or `<resource type>/<resource id>`. */
  readonly entry: string;
  /** FHIR Consent.provision.data.meaning: the entry alone, or also what hangs on it. */
  readonly reach: 'instance' | 'related' | 'dependents';
}

/**
 * What narrows a provision. All of its limits must cover an entry; of the members of one limit any is enough. `null` stands for a
 * member that could not be read, `unread` for a limit that could not.
 */
export type Limit =
  /** ODS codes of the organisations that recorded the entry. */
  | { readonly kind: 'recorded-by'; readonly organisations: readonly (string | null)[] }
  | { readonly kind: 'entries'; readonly entries: readonly (NamedEntry | null)[] }
  /** Codes that the entry carries anywhere. */
  | { readonly kind: 'codes'; readonly codes: readonly (Code | null)[] }
  /** Resource types, or codes that say what sort of document or fact the entry is. */
  | { readonly kind: 'classes'; readonly codes: readonly (Code | null)[] }
  /** Security labels, those of confidentiality by their order. */
  | { readonly kind: 'labels'; readonly codes: readonly (Code | null)[] }
  /** When the fact happened. */
  | { readonly kind: 'data-period'; readonly from?: number; readonly until?: number }
  | { readonly kind: 'unread'; readonly field: string };

/** What a decision says of one part of the record. */
export interface Provision {
  readonly effect: 'permit' | 'deny';
  readonly purposes: readonly Purpose[];
  readonly limits: readonly Limit[];
  /** In force from this instant on (milliseconds since 1970), or always. */
  readonly from?: number;
  /** In force up to, not including, this instant (milliseconds since 1970), or for good. */
  readonly until?: number;
  /** Exceptions, at any depth. A denial among them counts also where this provision does not cover. */
  readonly provisions: readonly Provision[];
}

/** Who recorded a decision, as the token said it; kept with the decision and shown. */
export interface Recorder {
  readonly as: 'governance' | 'ndoo-import' | 'organisation';
  /** ODS code; null where the token names none. */
  readonly organisation: string | null;
  /** The token's subject; null for a message that no token vouches for. */
  readonly subject: string | null;
}

/** Who made a decision. An absent performer is nobody. */
export type DecidedBy = 'patient' | 'proxy' | 'organisation' | 'not-stated';

/** A consent or an objection: what a person, or somebody for them, decided. Kept in `careRecord-<key>` streams. */
export interface Decision {
  /** CloudEvents id and source of the event that carried it. */
  readonly id: string;
  readonly source: string;
  /** The FHIR Consent's own id, by which a later version replaces or withdraws it. */
  readonly consentId: string;
  /** What the Consent says of its age, where it does: meta.versionId as a whole number, meta.lastUpdated. */
  readonly version?: { readonly versionId?: number; readonly lastUpdated?: number };
  readonly authority: Authority;
  /** `withdrawn`: the Consent no longer stands (FHIR Consent.status inactive or entered-in-error). */
  readonly status: 'active' | 'withdrawn';
  /** FHIR Consent.dateTime as written, and the time it means; absent: made when Weft received it. */
  readonly decidedAt?: string;
  readonly made?: Interval;
  /** When Weft received it, milliseconds since 1970: the bus's time of the message. */
  readonly receivedAt: number;
  readonly decidedBy: DecidedBy;
  readonly recorder: Recorder;
  readonly provision: Provision;
  /** What it permits is not in force, or not understood, or not its maker's to permit: so it ends no denial either. */
  readonly liftsNothing?: true;
  /** SHA-256 of what the event said: the same id with another digest is another event. */
  readonly digest: string;
  /** A message in quarantine that may have denied this: it closes, under every authority, until it is mended. */
  readonly unread?: true;
  /** Of a message that was mended: the place in quarantine it came from. */
  readonly mends?: string;
  /** Keys of the person's other numbers when it was made: it counts for those too for as long as they are one person. */
  readonly alsoOf?: readonly string[];
  /** Of a denial that was made about another number of the person: the key of that number. */
  readonly saidOf?: string;
  /** Of a denial that came with an entry from another person: the entry, of which alone it is, and by their keys the number and the denial. */
  readonly follows?: { readonly entry: string; readonly from: string; readonly denial: string };
  /** When Weft recorded it, RFC 3339. */
  readonly recordedAt: string;
}

/** A decision before it is recorded. */
export type NewDecision = Omit<Decision, 'recordedAt'>;

/** A provision that is limited by nothing but what `more` says. */
export function provision(effect: Provision['effect'], purposes: readonly Purpose[], more: Partial<Provision> = {}): Provision {
  return { effect, purposes, limits: [], provisions: [], ...more };
}

/** Whether any part of it denies. */
export function denies({ effect, provisions }: Provision): boolean {
  return effect === 'deny' || provisions.some(denies);
}

/** Whether any part of it permits: what is limited by something unread permits nothing. */
export function grants({ effect, limits, provisions }: Provision): boolean {
  return (effect === 'permit' && !isUnread(limits)) || provisions.some(grants);
}

const isUnread = (limits: readonly Limit[]): boolean => limits.some(({ kind }) => kind === 'unread');

/** The same denials, and no permission. */
export function permittingNothing(provision: Provision): Provision {
  const provisions = provision.provisions.map(permittingNothing).filter(denies);
  if (provision.effect === 'deny' || isUnread(provision.limits)) return { ...provision, provisions };
  return { ...provision, limits: [...provision.limits, { kind: 'unread', field: 'permission' }], provisions };
}

/** A decision of which only the denials count. */
export function onlyDenying<D extends NewDecision>(decision: D): D {
  return { ...decision, provision: permittingNothing(decision.provision), liftsNothing: true };
}

/** The provision and all below it. */
export function allProvisions(provision: Provision): Provision[] {
  return [provision, ...provision.provisions.flatMap(allProvisions)];
}

/** What a decision says of its age as a version of its Consent: a date ahead of its receipt is wrong, and says nothing. */
export function versionSaid({
  version = {},
  receivedAt,
}: Pick<NewDecision, 'version' | 'receivedAt'>): NonNullable<NewDecision['version']> {
  const { lastUpdated, ...rest } = version;
  return lastUpdated === undefined || lastUpdated > receivedAt ? rest : version;
}

/** When a decision was made at the earliest and at the latest; never later than it was received. */
export function madeBetween({ made, receivedAt }: Decision): { readonly earliest: number; readonly latest: number } {
  if (made === undefined) return { earliest: receivedAt, latest: receivedAt };
  return { earliest: Math.min(made.from, receivedAt), latest: Math.min(Math.max(made.from, made.until - 1), receivedAt) };
}
