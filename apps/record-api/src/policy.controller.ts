import { Body, Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags, ApiUnprocessableEntityResponse } from '@nestjs/swagger';
import { type AdoptedPolicy, adoptionProblems, opens, type Policy, policyFrom, type PolicyPlan, wholePolicy } from '@weft/domain';
import { planPolicy, type Wiring } from '@weft/processing';
import {
  codesDiffer,
  HttpProblem,
  organisationsDiffer,
  Public,
  Roles,
  Service,
  settingsDiffer,
  WIRING,
  Example,
} from '@weft/service';
import { PlanAnswer, PolicyAnswer, PolicyInForceAnswer, PolicyToPlan } from './policy-answers.js';
import { PLAN, POLICY_IN_FORCE } from './examples.js';

@ApiTags('policy')
@Controller('policy')
export class PolicyController {
  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
  ) {}

  @Get()
  @Example(POLICY_IN_FORCE)
  @Public()
  @ApiOperation({ summary: 'The sharing rules in force, in plain English too, with every section that was left as shipped' })
  @ApiOkResponse({ type: PolicyInForceAnswer })
  async inForce(): Promise<PolicyInForceAnswer> {
    const adopted = await this.wiring.policies.current();
    const { settings } = this.service;
    return {
      ...policyAnswer(adopted),
      settingsDiffer: settingsDiffer(settings, adopted.policy),
      organisationsDiffer: organisationsDiffer(settings, adopted.policy),
      codesDiffer: codesDiffer(settings, this.service.releasedCodes),
    };
  }

  @Post('plans')
  @Example(PLAN)
  @HttpCode(200)
  @Roles('governance')
  @ApiOperation({
    summary: 'What the adoption of a policy would open and close, by purpose and by subscriber',
    description: 'Looks at everybody and writes nothing. In a large region `weft policy plan` says how far it is.',
  })
  @ApiOkResponse({ type: PlanAnswer })
  @ApiBadRequestResponse({ description: 'No document, or something unknown beside it' })
  @ApiUnprocessableEntityResponse({ description: 'The policy may not come into force; `errors` names each place' })
  async plan(@Body() { document }: PolicyToPlan): Promise<PlanAnswer> {
    return planAnswer(await planPolicy(this.wiring, await soundPolicy(document, this.wiring)));
  }
}

export function policyAnswer({ version, adoptedAt, policy }: AdoptedPolicy): PolicyAnswer {
  return { version, adoptedAt, ...wholePolicy(policy) };
}

export const planAnswer = (plan: PolicyPlan): PlanAnswer => ({ ...plan, opens: opens(plan) });

/** The policy that a document says, of the kinds of organisations in force. Throws 422 with everything that is wrong with it, or lies below the floor. */
export async function soundPolicy(document: Record<string, unknown>, { policies }: Pick<Wiring, 'policies'>): Promise<Policy> {
  const { organisations } = (await policies.current()).policy;
  const errors = adoptionProblems(document, organisations);
  if (errors.length > 0) throw new HttpProblem(422, 'invalid-policy', 'This policy may not come into force', { errors });
  return policyFrom(document as never, organisations);
}
