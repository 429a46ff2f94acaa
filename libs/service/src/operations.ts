import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public, Roles } from './access.js';
import { Example } from './documentation.js';
import type { ReadinessReport } from './readiness.js';
import { Service } from './service.js';

@ApiTags('operations')
@Controller()
export class OperationsController {
  constructor(private readonly service: Service) {}

  @Get('healthz')
  @Example({ answer: { status: 'alive' } })
  @Public()
  @ApiOperation({ summary: 'Is the process alive?' })
  @ApiOkResponse({ description: 'It is' })
  health(): { status: 'alive' } {
    return { status: 'alive' };
  }

  @Get('readyz')
  @Example({ answer: { status: 'ready', checks: { bus: 'ok', store: 'ok' } } })
  @Public()
  @ApiOperation({ summary: 'Do the engines answer, and is everything running?' })
  @ApiOkResponse({ description: 'Ready' })
  @ApiServiceUnavailableResponse({ description: 'Not ready; `checks` says which part' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadinessReport> {
    const report = await this.service.readiness.check();
    reply.code(report.status === 'ready' ? 200 : 503);
    return report;
  }

  @Get('metrics')
  @Example({ answer: '# TYPE weft_ready gauge\nweft_ready{part="bus"} 1\n' })
  @Roles('operations')
  @ApiOperation({ summary: 'Prometheus metrics' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ description: 'In Prometheus’ text format' })
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const { registry } = this.service.metrics;
    const text = await registry.metrics();
    await reply.type(registry.contentType).send(text);
  }
}
