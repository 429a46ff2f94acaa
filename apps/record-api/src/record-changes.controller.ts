import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { Controller, Get, Inject, type OnModuleDestroy, Req, Res, UseFilters } from '@nestjs/common';
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
import { HttpProblem, Roles, Service, WIRING } from '@weft/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { invalid, parameter, purposeOf, refuseOtherParameters } from './asked.js';
import { AuditLog } from './audit-log.js';
import { Audited, AuditedProblemFilter, auditEntryOf } from './audited.js';
import { type Change, endOf, feedChanges, type Offsets } from './change-feed.js';

const NDJSON = 'application/x-ndjson';
/** Quiet connections are cut by what stands between: half a minute is common. */
const HEARTBEAT_MS = 15_000;
/** Every engine keeps withdrawals at least a day for those who are away. Whoever comes later might miss one. */
const RESUMABLE_MS = 24 * 60 * 60_000;

@ApiTags('subscribers')
@ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
@Controller('record-changes')
@UseFilters(AuditedProblemFilter)
export class RecordChangesController implements OnModuleDestroy {
  private readonly closing = new AbortController();

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
    private readonly audit: AuditLog,
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
      'A change may be told more than once.',
  })
  @ApiParam({ name: 'purpose', enum: PURPOSES })
  @ApiQuery({ name: 'from', enum: ['beginning', 'end'], required: false, description: 'Default end' })
  @ApiQuery({ name: 'after', required: false, description: 'A cursor of less than a day ago: go on there' })
  @ApiProduces(NDJSON)
  @ApiOkResponse({ description: 'Goes on until one side closes' })
  @ApiGoneResponse({ description: 'The cursor is too old: start from the beginning' })
  async follow(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseOtherParameters(request, ['from', 'after']);
    const purpose = purposeOf((request.params as { purpose: string }).purpose);
    const from = await this.startOf(request, purpose);
    await this.audit.append(auditEntryOf(this.service, request, { outcome: 'given', purpose }));
    if (from !== 'beginning') reply.header('weft-cursor', this.cursorOf(from));
    if (request.method === 'HEAD') return void reply.type(NDJSON).send();
    const lines = new PassThrough();
    void reply.type(NDJSON).send(lines);
    await this.feed(purpose, from, lines);
  }

  onModuleDestroy(): void {
    this.closing.abort();
  }

  private async startOf(request: FastifyRequest, purpose: Purpose): Promise<'beginning' | Offsets> {
    const from = parameter(request, 'from');
    const after = parameter(request, 'after');
    if (from !== null && after !== null) throw invalid({ field: 'after', code: 'too-many', message: 'and from are both there' });
    if (after !== null) return this.resume(after);
    if (from === 'beginning') return from;
    if (from === null || from === 'end') return endOf(this.wiring, purpose);
    throw invalid({ field: 'from', code: 'unknown', message: 'is neither beginning nor end' });
  }

  private async feed(purpose: Purpose, from: 'beginning' | Offsets, lines: PassThrough): Promise<void> {
    const { log, timers } = this.service;
    const gone = new AbortController();
    lines.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.closing.signal]);
    const write = async (text: string): Promise<void> => {
      if (signal.aborted || lines.write(text)) return;
      await once(lines, 'drain', { signal }).catch(() => undefined);
    };
    const beat = async (): Promise<void> => {
      while (!signal.aborted) {
        await write('\n');
        await timers.sleep(HEARTBEAT_MS, signal);
      }
    };
    try {
      await feedChanges(this.wiring, {
        purpose,
        from,
        signal,
        tell: (changes, next) => write(linesOf(changes, next && this.cursorOf(next))),
        onCaughtUp: () => void beat(),
        onFailure: (err) => log.warn({ err, purpose }, 'a subscriber waits'),
      });
      lines.end();
    } catch (err) {
      log.warn({ err, purpose }, 'a subscription broke off');
      // Cut, not ended: the subscriber must not take it for all there is.
      lines.destroy(err as Error);
    }
  }

  private cursorOf(next: Offsets): string {
    return [this.wiring.clock.now(), ...[...next].map(([partition, offset]) => `${partition}-${offset}`)].join('.');
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

function linesOf(changes: readonly Change[], cursor: string | undefined): string {
  const last = changes.length - 1;
  return changes
    .map((change, index) => `${JSON.stringify(index === last && cursor !== undefined ? { ...change, cursor } : change)}\n`)
    .join('');
}
