import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { AdoptedPolicy } from '@weft/domain';
import type { Wiring } from '@weft/processing';
import { Public, Roles, WIRING } from '@weft/service';
import { PolicyAnswer } from './answers.js';

@ApiTags('policy')
@Controller('policy')
export class PolicyController {
  constructor(@Inject(WIRING) private readonly wiring: Wiring) {}

  @Get()
  @Public()
  @ApiOperation({ summary: 'The sharing rules in force, in plain English too' })
  @ApiOkResponse({ type: PolicyAnswer })
  async inForce(): Promise<PolicyAnswer> {
    return answerOf(await this.wiring.policies.current());
  }

  @Get('versions')
  @Roles('governance')
  @ApiOperation({ summary: 'Every policy that was adopted, the first one first' })
  @ApiOkResponse({ type: [PolicyAnswer] })
  async versions(): Promise<PolicyAnswer[]> {
    return (await this.wiring.policies.all()).map(answerOf);
  }
}

function answerOf({ version, adoptedAt, policy: { name, rules, organisations } }: AdoptedPolicy): PolicyAnswer {
  return { version, name, adoptedAt, rules, organisations };
}
