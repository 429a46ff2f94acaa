import { PURPOSES, type Authority, type Code, type Limit, type NamedEntry, type Provision, type Purpose } from '@weft/domain';
import { idsOf, type Focus } from './focus.js';
import type { Prng } from './prng.js';
import { DOCUMENT, LISTED_CODE, SENSITIVE_CODES, SNOMED, someEntryDay } from './resources.js';
import type { SmallRegion } from './small-region.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SOON_MS = 30_000;
const BEYOND_CARE: readonly Purpose[] = ['population-health', 'research'];
const DEEPEST = 3;
/** How often a member of a limit is one that cannot be read. */
const UNCLEAR = 0.1;
/** How often a provision is about one of a few things, so that decisions about the same meet. */
const USUAL = 0.7;

const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const RESOURCE_TYPES = 'http://hl7.org/fhir/resource-types';
const UNHEARD_OF = 'unheard-of';

/** What decisions say: limits of every kind, exceptions within exceptions, periods that begin and end while the world runs. */
export class ProvisionGenerator {
  private readonly usual: readonly (readonly Limit[])[];

  constructor(
    private readonly prng: Prng,
    private readonly region: SmallRegion,
    private readonly focus: Focus,
  ) {
    this.usual = [[], [], this.limits(), this.limits()];
  }

  provision(authority: Authority, now: number): Provision {
    const { prng } = this;
    const effect = prng.chance(authority === 'explicit-consent' ? 0.3 : 0.65) ? 'deny' : 'permit';
    const purposes = authority === 'national-data-opt-out' || authority === 'type-1' ? BEYOND_CARE : this.purposes();
    const item: Limit[] = authority === 'withheld-item' ? [{ kind: 'entries', entries: [this.entry()] }] : [];
    const limits = [...item, ...(prng.chance(USUAL) ? prng.pick(this.usual) : this.limits())];
    const base = { effect, purposes, limits, ...this.period(now) } as const;
    return { ...base, provisions: this.exceptions(base, now, 2) };
  }

  /** Mostly the other way round, for a part of what the provision covers, or for something else. */
  private exceptions({ effect, purposes }: Omit<Provision, 'provisions'>, now: number, depth: number): Provision[] {
    const { prng } = this;
    if (depth > DEEPEST || !prng.chance(this.focus.nested)) return [];
    return Array.from({ length: prng.between(1, 2) }, () => {
      const other = prng.chance(0.75) !== (effect === 'permit') ? 'permit' : 'deny';
      const about = prng.chance(0.5) ? purposes : this.purposes();
      const limits = prng.chance(0.3) ? [] : this.limits();
      const exception = { effect: other, purposes: about, limits, ...this.period(now) } as const;
      return { ...exception, provisions: this.exceptions(exception, now, depth + 1) };
    });
  }

  private purposes(): readonly Purpose[] {
    const some = this.prng.some(PURPOSES);
    return some.length === 0 ? PURPOSES : some;
  }

  private limits(): Limit[] {
    const { limits, scoped } = this.focus;
    return [...new Set(limits)].filter(() => this.prng.chance(scoped)).map((kind) => this.limit(kind));
  }

  private limit(kind: Limit['kind']): Limit {
    const { prng } = this;
    switch (kind) {
      case 'recorded-by':
        return {
          kind,
          organisations: this.members(() => prng.pick([...this.region.organisations.map(({ ods }) => ods), 'ZZ9'])),
        };
      case 'entries':
        return { kind, entries: this.members(() => this.entry()) };
      case 'codes':
        return { kind, codes: this.members(() => this.code()) };
      case 'classes': {
        return { kind, codes: this.members(() => (prng.chance(0.6) ? this.resourceType() : this.code())) };
      }
      case 'labels':
        return { kind, codes: this.members(() => this.label()) };
      case 'data-period':
        return { kind, ...this.dataPeriod() };
      case 'unread':
        return { kind, field: 'Consent.provision' };
    }
  }

  private members<T>(draw: () => T): (T | null)[] {
    const { prng } = this;
    const members = Array.from({ length: prng.between(1, 2) }, () => (prng.chance(UNCLEAR) ? null : draw()));
    return [...new Map(members.map((member) => [JSON.stringify(member), member])).values()];
  }

  private code(): Code {
    const { prng } = this;
    const code = prng.pick([...SENSITIVE_CODES, '38341003', 'AMB', LISTED_CODE, UNHEARD_OF]);
    const system = prng.pick([SNOMED, SNOMED, 'urn:another', undefined]);
    return system === undefined ? { code } : { system, code };
  }

  private resourceType(): Code {
    const documents = this.focus.resourceTypes.filter((type) => type === DOCUMENT);
    const code = this.prng.pick(['Encounter', 'Condition', 'Observation', 'CarePlan', 'Appointment', ...documents]);
    const system = this.prng.pick([undefined, undefined, RESOURCE_TYPES, 'urn:another']);
    return system === undefined ? { code } : { system, code };
  }

  private label(): Code {
    const { prng } = this;
    if (prng.chance(0.3)) return { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: prng.pick(['SEX', 'R']) };
    const code = prng.pick(['U', 'M', 'N', 'R', 'V']);
    return prng.chance(0.3) ? { code } : { system: CONFIDENTIALITY, code };
  }

  private entry(): NamedEntry {
    const { prng } = this;
    const type = prng.pick(this.focus.resourceTypes);
    const reference = `${type}/${prng.pick(idsOf(this.focus, type))}`;
    const { ods } = prng.pick(this.region.organisations);
    const source = prng.pick([ods, ods, ods.toLowerCase(), `${ods}:lab`, `${ods}:LAB`]);
    const entry = prng.pick([reference, `${source}/${reference}`]);
    return { entry, reach: prng.pick(['instance', 'instance', 'related', 'dependents']) };
  }

  /** From or until the midnight of a day that entries have, in England or by UTC. */
  private dataPeriod(): { readonly from?: number; readonly until?: number } {
    const { prng } = this;
    const bound = (): number => Date.parse(someEntryDay(prng)) - prng.pick([0, HOUR_MS]) + prng.pick([0, 0, DAY_MS]);
    const [one, other] = [bound(), bound()];
    return prng.pick([{ from: one }, { until: one }, { from: Math.min(one, other), until: Math.max(one, other) }]);
  }

  private period(now: number): Pick<Provision, 'from' | 'until'> {
    const { prng } = this;
    const from = now + (prng.chance(this.focus.soon) ? prng.below(SOON_MS) : prng.between(-2 * HOUR_MS, DAY_MS));
    switch (prng.below(this.focus.soon === 0 ? 6 : 4)) {
      case 0:
        return { from };
      case 1:
        return { until: from };
      case 2:
        return { from, until: from + prng.between(1, DAY_MS) };
      default:
        return {};
    }
  }
}
