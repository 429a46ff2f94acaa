import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Public, Example } from '@weft/service';
import type { FastifyReply } from 'fastify';
import { CONSOLE } from './console-page.js';
import { CONSOLE_PAGE } from './examples.js';

@ApiTags('console')
@Controller('console')
export class ConsoleController {
  @Get()
  @Example(CONSOLE_PAGE)
  @Public()
  @ApiOperation({
    summary: 'A page for governance: a record by purpose, why, and the decisions',
    description: 'Holds no data itself.',
  })
  @ApiProduces('text/html')
  @ApiOkResponse({ description: 'HTML' })
  async page(@Res() reply: FastifyReply): Promise<void> {
    await reply.header('content-security-policy', CONSOLE.policy).type('text/html; charset=utf-8').send(CONSOLE.page);
  }
}
