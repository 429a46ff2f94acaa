import { canonicalJson, wholePolicy, type AdoptedPolicy, type Adoption, type Policy } from '@weft/domain';
import { decodePolicy, encode, type PolicyAdopted } from './encoding.js';
import { WrongExpectedRevision } from './errors.js';
import { NO_STREAM, type Clock, type EventStore, type Random } from './ports.js';
import { POLICY_STREAM } from './streams.js';

/** The policies a region adopted, one after the other: stream `policy-region`, revision 0 being version 1. */
export class PolicyBook {
  private latest: AdoptedPolicy | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** The policy in force. Asks the store each time whether there is a newer one. Throws when none was ever adopted. */
  async current(): Promise<AdoptedPolicy> {
    const adopted = await this.latestAdopted();
    if (adopted === null) throw new Error('no sharing policy was adopted yet: nothing may be shared');
    return adopted;
  }

  /** The same; null when none was ever adopted. */
  async latestAdopted(): Promise<AdoptedPolicy | null> {
    const head = await this.store.head(POLICY_STREAM);
    if (this.latest === null || this.latest.version !== head + 1) {
      const stored = (await this.store.read(POLICY_STREAM, { backwards: true, maxCount: 1 }))[0];
      this.latest = stored === undefined ? null : decodePolicy(stored);
    }
    return this.latest;
  }

  async all(): Promise<AdoptedPolicy[]> {
    return (await this.store.read(POLICY_STREAM)).map(decodePolicy);
  }

  /**
   * Makes the policy the one in force, unless it is already, and gives it with its version. With `after` only while that
   * version is in force: throws WrongExpectedRevision once another one is.
   */
  async adopt(policy: Policy, adoption?: Adoption, after?: number): Promise<AdoptedPolicy> {
    for (;;) {
      const head = await this.store.head(POLICY_STREAM);
      if (after !== undefined && head + 1 !== after) throw new WrongExpectedRevision(POLICY_STREAM, after - 1, head);
      if (head !== NO_STREAM) {
        const current = await this.current();
        if (samePolicy(current.policy, policy)) return current;
      }
      const adoptedAt = new Date(this.clock.now()).toISOString();
      const adopted: PolicyAdopted = { type: 'policy-adopted-1', policy, adoptedAt, ...(adoption && { adoption }) };
      try {
        const revision = await this.store.append(POLICY_STREAM, head, [encode(adopted, this.random)]);
        return { version: revision + 1, policy, adoptedAt, ...(adoption && { adoption }) };
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) throw error;
      }
    }
  }
}

/** Whether two policies say the same, be it by a section of their own or as shipped. */
export function samePolicy(a: Policy, b: Policy): boolean {
  return canonicalJson(wholePolicy(a)) === canonicalJson(wholePolicy(b));
}
