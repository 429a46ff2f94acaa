import type { Authority, Purpose } from '../vocabulary.js';

/** What a decision, or one of its exceptions, covers. An absent list covers everything of its sort. */
export interface Provision {
  readonly effect: 'permit' | 'deny';
  readonly purposes: readonly Purpose[];
  /** ODS codes of the organisations whose entries it concerns. */
  readonly organisations?: readonly string[];
  /** Entry ids (`<ODS code>/<resource type>/<resource id>`) or references (`<resource type>/<resource id>`). */
  readonly entries?: readonly string[];
  /** Resource types, or codes that an entry carries in code, category, class or security label. */
  readonly categories?: readonly string[];
  /** In force from this instant on (milliseconds since 1970), or always. */
  readonly from?: number;
  /** In force up to, not including, this instant (milliseconds since 1970), or for good. */
  readonly until?: number;
}

/** A consent or an objection: what a person, or somebody for them, decided. Kept in `consent-<key>` streams. */
export interface Decision {
  /** CloudEvents id and source of the event that carried it. */
  readonly id: string;
  readonly source: string;
  /** The FHIR Consent's own id, by which a later event can mark it entered in error. */
  readonly consentId: string;
  readonly authority: Authority;
  /** `withdrawn`: the decision no longer stands (FHIR Consent.status inactive or entered-in-error). */
  readonly status: 'active' | 'withdrawn';
  /** When it was made (FHIR Consent.dateTime), RFC 3339. */
  readonly decidedAt: string;
  /** Who made it, as a role: `patient`, `proxy`, `organisation`. Never a name. */
  readonly decidedBy: string;
  readonly provision: Provision;
  /** One level of nesting (IHE PCF): where one covers, its effect stands instead. */
  readonly exceptions: readonly Provision[];
  /** When Weft accepted it, RFC 3339. */
  readonly recordedAt: string;
}
