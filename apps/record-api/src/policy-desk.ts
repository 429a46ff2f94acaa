import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Adoption, Person, Policy } from '@weft/domain';
import {
  authorisePolicy,
  NotAuthorised,
  type PlanOptions,
  policyProposal,
  proposePolicy,
  type ProposalState,
  within,
  type Wiring,
} from '@weft/processing';
import { adoptPolicy, AuditLog, Service, WIRING } from '@weft/service';

/** A plan looks at everybody. A request waits so long for it; then it goes on without the one who asked. */
const PATIENCE_MS = 20_000;

/** Proposals on their way through their plans. */
@Injectable()
export class PolicyDesk implements OnModuleDestroy {
  private readonly planning = new Map<string, { people: number }>();
  private readonly stopping = new AbortController();
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    private readonly service: Service,
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly audit: AuditLog,
  ) {}

  /** What is under way ends: its proposal has to be made, or authorised, again. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.underWay);
  }

  /** People looked at so far for a proposal; null where no plan of it is under way here. */
  peopleSoFar(id: string): number | null {
    return this.planning.get(id)?.people ?? null;
  }

  /** `in-force` where there is nothing to change, `planning` where that takes longer than a request waits. */
  async propose(id: string, policy: Policy, reason: string, by: Person): Promise<ProposalState | 'in-force' | 'planning'> {
    const outcome = await this.within(id, (options) =>
      proposePolicy(this.wiring, { id, policy, reason, by }, this.adopt, options).then((proposal) => proposal ?? 'in-force'),
    );
    return outcome ?? 'planning';
  }

  /** Throws NotAuthorised. */
  async authorise(id: string, by: Person): Promise<ProposalState | 'planning'> {
    const outcome = await this.within(id, (options) => authorisePolicy(this.wiring, id, by, this.adopt, options));
    return outcome ?? 'planning';
  }

  private readonly adopt: Parameters<typeof proposePolicy>[2] = async (policy, adoption, after) => {
    const adopted = await adoptPolicy(this.wiring, this.audit, await this.withNewerKinds(policy, adoption), adoption, after);
    await this.service.organisations.look();
    return adopted;
  };

  /** A proposal changes the kinds that it was made to change: those that came into force since then stay. */
  private async withNewerKinds(policy: Policy, adoption: Adoption): Promise<Policy> {
    const proposal = adoption.by === 'governance' ? await policyProposal(this.wiring, adoption.id) : null;
    if (proposal === null) return policy;
    const all = await this.wiring.policies.all();
    const [before, now] = [all[proposal.plan.inForce - 1], all.at(-1)].map((one) => one?.policy.organisations ?? {});
    const changed = Object.entries(policy.organisations).filter(([ods, kind]) => before?.[ods] !== kind);
    return { ...policy, organisations: { ...now, ...Object.fromEntries(changed) } };
  }

  private async within<T>(id: string, work: (options: PlanOptions) => Promise<T>): Promise<T | null> {
    const progress = { people: 0 };
    this.planning.set(id, progress);
    const done = work({ onProgress: (people) => (progress.people = people), signal: this.stopping.signal });
    const ended = done.finally(() => {
      this.planning.delete(id);
      this.underWay.delete(ended);
    });
    this.underWay.add(ended);
    ended.catch((err: unknown) => {
      if (!(err instanceof NotAuthorised)) this.service.log.warn({ err }, 'a policy was not planned to its end');
    });
    return (await within(this.service.timers, PATIENCE_MS, done)) ?? null;
  }
}
