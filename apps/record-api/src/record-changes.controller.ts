import { PassThrough } from 'node:stream';
import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiGoneResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { PURPOSES, type Purpose } from '@weft/domain';
import type { Wiring } from '@weft/processing';
import { Audited, AuditedProblemFilter, AuditLog, type Caller, CurrentCaller, HttpProblem, Roles, WIRING } from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalid, parameter, purposeOf, refuseOtherParameters, refuseUnlessNamed } from './asked.js';
import { endOf, type Offsets } from './change-feed.js';
import { cursorOf, type Subscription, Subscriptions } from './subscriptions.js';

const NDJSON = 'application/x-ndjson';
/** Every engine keeps withdrawals at least a day for those who are away. Whoever comes later might miss one. */
const RESUMABLE_MS = 24 * 60 * 60_000;

@ApiTags('subscribers')
@ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
@Controller('record-changes')
@UseFilters(AuditedProblemFilter)
export class RecordChangesController {
  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly audit: AuditLog,
    private readonly subscriptions: Subscriptions,
  ) {}

  @Get(':purpose')
  @Roles('subscriber')
  @Audited('subscribe')
  @ApiOperation({
    summary: 'What is shared for a purpose, entry by entry, as it changes',
    description:
      'One JSON object a line: `key`, `kind` (included, amended, withdrawn), `entryId`, `subject`, `viewRevision`, `partition`, ' +
      '`offset`, `entry` (null when withdrawn), and on the last line of a batch `cursor`. An empty line says that everything up ' +
      'to now has been told: whoever began anew drops then what they hold and were not told. It comes again as a heartbeat. ' +
      'A change may be told more than once. A line of `kind` ended, with `reason` (token-ended, stopping), `detail` and `cursor` ' +
      'where there is one, is the last one: a subscription ends with its token. A connection that ends without it was cut.',
  })
  @ApiParam({ name: 'purpose', enum: PURPOSES })
  @ApiQuery({ name: 'from', enum: ['beginning', 'end'], required: false, description: 'Default end' })
  @ApiQuery({ name: 'after', required: false, description: 'A cursor of less than a day ago: go on there' })
  @ApiProduces(NDJSON)
  @ApiOkResponse({ description: 'Goes on until one side closes, or the token ends' })
  @ApiGoneResponse({ description: 'The cursor is too old: start from the beginning' })
  async follow(@Req() request: FastifyRequest, @Res() reply: FastifyReply, @CurrentCaller() caller: Caller): Promise<void> {
    refuseOtherParameters(request, ['from', 'after']);
    const purpose = purposeOf((request.params as { purpose: string }).purpose);
    refuseUnlessNamed(caller, purpose);
    const { from, cursor } = await this.startOf(request, purpose);
    if (cursor !== undefined) reply.header('weft-cursor', cursor);
    if (request.method === 'HEAD') return void reply.type(NDJSON).send();
    await this.audit.note(caller, 'subscribe', { outcome: 'given', purpose });
    const lines = new PassThrough();
    void reply.type(NDJSON).send(lines);
    await this.subscriptions.follow({ caller, purpose, from, cursor, lines });
  }

  private async startOf(request: FastifyRequest, purpose: Purpose): Promise<Pick<Subscription, 'from' | 'cursor'>> {
    const from = parameter(request, 'from');
    const after = parameter(request, 'after');
    if (from !== null && after !== null) throw invalid({ field: 'after', code: 'too-many', message: 'and from are both there' });
    if (after !== null) return { from: this.resume(after), cursor: after };
    if (from === 'beginning') return { from };
    if (from === null || from === 'end') {
      const end = await endOf(this.wiring, purpose);
      return { from: end, cursor: cursorOf(this.wiring.clock, end) };
    }
    throw invalid({ field: 'from', code: 'unknown', message: 'is neither beginning nor end' });
  }

  private resume(cursor: string): Offsets {
    if (!/^\d{1,15}(\.\d{1,6}-\d{1,15})*$/.test(cursor)) {
      throw invalid({ field: 'after', code: 'malformed', message: 'is no cursor of this address' });
    }
    const [time, ...places] = cursor.split('.');
    if (this.wiring.clock.now() - Number(time) > RESUMABLE_MS) {
      throw new HttpProblem(410, 'cursor-too-old', 'This cursor is too old', {
        detail: 'Withdrawals since then may be gone: start from=beginning, and drop what is not told by the first empty line.',
      });
    }
    return new Map(places.map((place) => place.split('-').map(Number) as [number, number]));
  }
}
