import { Body, Controller, Get, HttpCode, Inject, Param, Post, Res, UseFilters } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { AdoptedPolicy } from '@weft/domain';
import { NotAuthorised, policyApplied, policyProposal, policyProposals, type ProposalState, type Wiring } from '@weft/processing';
import {
  Audited,
  AuditedProblemFilter,
  AuditLog,
  type Caller,
  CurrentCaller,
  HttpProblem,
  Roles,
  WIRING,
  withoutNumbers,
  invalid,
  Example,
} from '@weft/service';
import type { FastifyReply } from 'fastify';
import { PolicyAnswer, PolicyToPropose, PolicyVersionAnswer, ProposalAnswer } from './policy-answers.js';
import { personOf } from './person.js';
import { PolicyDesk } from './policy-desk.js';
import { notProposed, overtaken, refusal } from './policy-refusals.js';
import { planAnswer, policyAnswer, soundPolicy } from './policy.controller.js';
import { AUTHORISED, POLICY, PROPOSAL, PROPOSALS, PROPOSE, VERSIONS } from './examples.js';

/** Who adopts which policy, and why. */
@ApiTags('policy')
@Controller('policies')
@Roles('governance')
@UseFilters(AuditedProblemFilter)
export class PoliciesController {
  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly desk: PolicyDesk,
    private readonly audit: AuditLog,
  ) {}

  @Post()
  @Example(PROPOSE)
  @Audited('propose-policy')
  @ApiOperation({
    summary: 'Proposes a policy, and plans it',
    description:
      'One that only closes is adopted at once. What opens anything, or may, waits for the authorisation of a second person.',
  })
  @ApiOkResponse({ type: ProposalAnswer, description: 'It is in force' })
  @ApiAcceptedResponse({ type: ProposalAnswer, description: 'It waits for a second person, or is still planned: see `state`' })
  @ApiBadRequestResponse({ description: 'No document or no reason, or something unknown beside them' })
  @ApiConflictResponse({ description: 'Another policy was adopted while it was planned, and changed what it opens and closes' })
  @ApiUnprocessableEntityResponse({ description: 'The policy may not come into force; `errors` names each place' })
  async propose(
    @Body() { document, reason }: PolicyToPropose,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProposalAnswer> {
    refuseNumbersIn(reason);
    const policy = await soundPolicy(document, this.wiring);
    const id = this.wiring.random.uuid();
    await this.audit.note(caller, 'propose-policy', { outcome: 'accepted', about: `proposal ${id}` });
    const outcome = await this.desk.propose(id, policy, reason, personOf(caller));
    return this.answer(id, outcome, reply);
  }

  @Get()
  @Example(VERSIONS)
  @ApiOperation({ summary: 'Every policy that was adopted, the first one first: who proposed and authorised it, and why' })
  @ApiOkResponse({ type: [PolicyVersionAnswer] })
  async versions(): Promise<PolicyVersionAnswer[]> {
    const applied = await policyApplied(this.wiring);
    return (await this.wiring.policies.all()).map((adopted) => versionAnswer(adopted, applied));
  }

  @Get('proposals')
  @Example(PROPOSALS)
  @ApiOperation({ summary: 'Every proposal, the first one first, and what became of it' })
  @ApiOkResponse({ type: [ProposalAnswer] })
  async proposals(): Promise<ProposalAnswer[]> {
    return (await policyProposals(this.wiring)).map(proposalAnswer);
  }

  @Get('proposals/:id')
  @Example(PROPOSAL)
  @ApiOperation({ summary: 'One proposal, with the policy that it proposes' })
  @ApiOkResponse({ type: ProposalAnswer })
  @ApiNotFoundResponse({ description: 'No such proposal, or one that another instance is still planning' })
  async proposal(@Param('id') id: string): Promise<ProposalAnswer> {
    const proposal = await policyProposal(this.wiring, id);
    const people = this.desk.peopleSoFar(id);
    if (people !== null)
      return { ...(proposal === null ? { id } : proposalAnswer(proposal)), state: 'planning', people, ...noteOf('planning') };
    if (proposal === null) throw notProposed();
    return { ...proposalAnswer(proposal), document: proposal.policy };
  }

  @Post(':id/authorisations')
  @Example(AUTHORISED)
  @Audited('authorise-policy')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Authorises a proposal, and adopts it',
    description: 'It is planned again first: what is adopted opens and closes what was proposed.',
  })
  @ApiOkResponse({ type: ProposalAnswer, description: 'It is in force' })
  @ApiAcceptedResponse({ type: ProposalAnswer, description: 'It is still planned' })
  @ApiForbiddenResponse({ description: 'The role `governance` is needed, and another person than proposed it' })
  @ApiNotFoundResponse({ description: 'No such proposal' })
  @ApiConflictResponse({
    description:
      'It was adopted already; or another policy came in between and changed what it opens and closes: propose it again',
  })
  async authorise(
    @Param('id') id: string,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProposalAnswer> {
    try {
      return this.answer(id, await this.desk.authorise(id, personOf(caller)), reply);
    } catch (error) {
      throw error instanceof NotAuthorised ? refusal(error) : error;
    }
  }

  @Get(':version')
  @Example(POLICY)
  @ApiOperation({ summary: 'A policy that was adopted, whole' })
  @ApiOkResponse({ type: PolicyAnswer })
  @ApiNotFoundResponse({ description: 'There was no such version' })
  async version(@Param('version') version: string): Promise<PolicyAnswer> {
    const adopted = (await this.wiring.policies.all()).find((one) => String(one.version) === version);
    if (adopted === undefined) throw new HttpProblem(404, 'no-such-version', 'There was no such version of the policy');
    return policyAnswer(adopted);
  }

  private answer(id: string, outcome: ProposalState | 'in-force' | 'planning', reply: FastifyReply): ProposalAnswer {
    const answer = typeof outcome === 'string' ? { id, state: outcome, ...noteOf(outcome) } : proposalAnswer(outcome);
    if (answer.state === 'overtaken') throw overtaken(answer.version ?? 0);
    const isInForce = answer.state === 'adopted' || answer.state === 'in-force';
    reply.code(isInForce ? 200 : 202);
    if (answer.state !== 'in-force') reply.header('location', `/policies/proposals/${id}`);
    return answer;
  }
}

/** A plan is in the memory of one process. */
const noteOf = (state: 'in-force' | 'planning') =>
  state === 'planning' && {
    note: 'One process plans this, in its memory. If that process ends first, nothing is adopted: send the same request again.',
  };

/** A reason is kept for good, and read by people who have no business with a person. */
export function refuseNumbersIn(reason: string): void {
  if (withoutNumbers(reason) === reason) return;
  throw invalid({ field: 'reason', code: 'names-a-person', message: 'holds what may be an NHS number: say it without' });
}

export function proposalAnswer({ policy, plan, ...proposal }: ProposalState): ProposalAnswer {
  return { ...proposal, name: policy.name, plan: planAnswer(plan) };
}

function versionAnswer({ version, policy, adoptedAt, adoption }: AdoptedPolicy, applied: number): PolicyVersionAnswer {
  const answer = { version, name: policy.name, adoptedAt, applied: version <= applied, by: adoption?.by ?? null };
  if (adoption?.by !== 'governance') return answer;
  const { id, plan, ...more } = adoption;
  return { ...answer, ...more, proposal: id, plan: planAnswer(plan) };
}
