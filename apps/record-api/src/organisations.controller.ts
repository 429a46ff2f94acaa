import { Body, Controller, Get, HttpCode, Inject, Param, Post, Res, UseFilters } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { NotOfOrganisation, OrganisationBook, type RegionOrganisation, type Wiring } from '@weft/processing';
import {
  Audited,
  AuditedProblemFilter,
  AuditLog,
  type Caller,
  createTopicsOf,
  CurrentCaller,
  Example,
  HttpProblem,
  Roles,
  Service,
  WIRING,
} from '@weft/service';
import type { FastifyReply } from 'fastify';
import { ADD_ORGANISATION, ORGANISATIONS, REINSTATE_ORGANISATION, SUSPEND_ORGANISATION } from './examples.js';
import {
  OrganisationAddedAnswer,
  organisationAnswer,
  OrganisationAnswer,
  OrganisationToAdd,
  WhyOfOrganisation,
} from './organisation-answers.js';
import { personOf } from './person.js';
import { proposalAnswer, refuseNumbersIn } from './policies.controller.js';
import { PolicyDesk } from './policy-desk.js';

/** Which organisations the region has, and which of them may not send. None is taken off the list: what it sent stays read. */
@ApiTags('organisations')
@Controller('organisations')
@Roles('governance')
@UseFilters(AuditedProblemFilter)
export class OrganisationsController {
  private readonly book: OrganisationBook;

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
    private readonly desk: PolicyDesk,
    private readonly audit: AuditLog,
  ) {
    this.book = new OrganisationBook(wiring.store, wiring.clock, wiring.random);
  }

  @Get()
  @Example(ORGANISATIONS)
  @Roles('governance', 'operations')
  @ApiOperation({ summary: 'Every organisation of the region, suspended ones too: who added it, and who suspended it, and why' })
  @ApiOkResponse({ type: [OrganisationAnswer] })
  async all(): Promise<OrganisationAnswer[]> {
    const { organisations } = this.service;
    await organisations.look();
    return [...organisations.known.values()].map((one) => organisationAnswer(one, organisations));
  }

  @Post()
  @Example(ADD_ORGANISATION)
  @Audited('add-organisation')
  @ApiOperation({
    summary: 'Adds an organisation, or proposes another kind for one that is there',
    description:
      'What it sends is taken at once, and judged as of any kind that withholds. Its kind is the policy’s to say, and decides what is shared: it is in force, and its people may read, once a second person has authorised the proposal.',
  })
  @ApiOkResponse({ type: OrganisationAddedAnswer, description: 'Its kind is in force' })
  @ApiAcceptedResponse({ type: OrganisationAddedAnswer, description: 'Its kind waits for a second person: see `proposal`' })
  @ApiBadRequestResponse({ description: 'A member is missing, or wrong' })
  @ApiConflictResponse({ description: 'It is there by another name or with other sites' })
  async add(
    @Body() { reason, ...organisation }: OrganisationToAdd,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrganisationAddedAnswer> {
    const { ods, kind } = organisation;
    const answer = await this.done(caller, 'add-organisation', ods, reason, () =>
      this.book.add(organisation, personOf(caller), reason),
    );
    await createTopicsOf(this.service);
    if (answer.kind === kind) return answer;
    const { policy } = await this.wiring.policies.current();
    const organisations = { ...policy.organisations, [ods]: kind };
    const id = this.wiring.random.uuid();
    await this.audit.note(caller, 'propose-policy', { outcome: 'accepted', about: `proposal ${id}` });
    const proposal = await this.desk.propose(id, { ...policy, organisations }, reason, personOf(caller));
    await this.service.organisations.look();
    const after = organisationAnswer(this.service.organisations.known.get(ods)!, this.service.organisations);
    if (after.kind === kind) return after;
    reply.code(202);
    return { ...after, proposal: typeof proposal === 'string' ? { id, state: proposal } : proposalAnswer(proposal) };
  }

  @Post(':ods/suspensions')
  @Example(SUSPEND_ORGANISATION)
  @Audited('suspend-organisation')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Suspends an organisation: nothing that it sends is taken any more',
    description: 'What it sent stays read, and shared as before. Its people read on: others are cared for there.',
  })
  @ApiOkResponse({ type: OrganisationAnswer })
  @ApiBadRequestResponse({ description: 'No reason, or something unknown beside it' })
  @ApiNotFoundResponse({ description: 'No such organisation' })
  @ApiConflictResponse({ description: 'It is suspended already' })
  suspend(
    @Param('ods') ods: string,
    @Body() { reason }: WhyOfOrganisation,
    @CurrentCaller() caller: Caller,
  ): Promise<OrganisationAnswer> {
    return this.done(caller, 'suspend-organisation', ods, reason, () => this.book.suspend(ods, personOf(caller), reason));
  }

  @Post(':ods/reinstatements')
  @Example(REINSTATE_ORGANISATION)
  @Audited('reinstate-organisation')
  @ApiOperation({
    summary: 'Asks that a suspended organisation may send again, or agrees to it',
    description: 'It may once two people have asked.',
  })
  @ApiOkResponse({ type: OrganisationAnswer, description: 'It may send again' })
  @ApiAcceptedResponse({ type: OrganisationAnswer, description: 'It waits for a second person' })
  @ApiBadRequestResponse({ description: 'No reason, or something unknown beside it' })
  @ApiNotFoundResponse({ description: 'No such organisation' })
  @ApiConflictResponse({ description: 'It is not suspended' })
  async reinstate(
    @Param('ods') ods: string,
    @Body() { reason }: WhyOfOrganisation,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrganisationAnswer> {
    const answer = await this.done(caller, 'reinstate-organisation', ods, reason, () =>
      this.book.reinstate(ods, personOf(caller), reason),
    );
    reply.code(answer.suspended === null ? 200 : 202);
    return answer;
  }

  /** Audited before it is done; here it is known at once, elsewhere within seconds. */
  private async done(
    caller: Caller,
    action: string,
    ods: string,
    reason: string,
    act: () => Promise<RegionOrganisation>,
  ): Promise<OrganisationAnswer> {
    refuseNumbersIn(reason);
    if (action !== 'add-organisation' && !(await this.book.current()).has(ods)) throw refusal('unknown');
    await this.audit.note(caller, action, { outcome: 'accepted', about: ods });
    try {
      const one = await act();
      await this.service.organisations.look();
      return organisationAnswer(one, this.service.organisations);
    } catch (error) {
      throw error instanceof NotOfOrganisation ? refusal(error.why) : error;
    }
  }
}

const REFUSALS = {
  unknown: [404, 'no-such-organisation', 'The region has no such organisation'],
  'known-otherwise': [409, 'known-otherwise', 'The organisation is there by another name, or with other sites'],
  'suspended-already': [409, 'suspended-already', 'The organisation is suspended already'],
  'not-suspended': [409, 'not-suspended', 'The organisation is not suspended'],
} as const satisfies Record<NotOfOrganisation['why'], readonly [number, string, string]>;

function refusal(why: NotOfOrganisation['why']): HttpProblem {
  const [status, code, title] = REFUSALS[why];
  return new HttpProblem(status, code, title);
}
