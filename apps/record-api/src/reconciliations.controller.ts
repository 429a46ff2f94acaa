import { setImmediate as nextTurn } from 'node:timers/promises';
import { Body, Controller, Get, HttpCode, Inject, type OnApplicationBootstrap, Post, Req, UseFilters } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiConsumes,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPayloadTooLargeResponse,
  ApiQuery,
  ApiTags,
  ApiTooManyRequestsResponse,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { Wiring } from '@weft/processing';
import {
  asToldToSender,
  BadManifest,
  type Finding,
  lastStatements,
  type Manifest,
  type ManifestSource,
  readManifest,
  reconcile,
} from '@weft/reconciliation';
import {
  AnswerTimes,
  AuditedProblemFilter,
  AuditLog,
  type Caller,
  CurrentCaller,
  Example,
  HttpProblem,
  parameter,
  Public,
  RawBody,
  refuseOtherParameters,
  Roles,
  Service,
  statementKeyOf,
  watchReconciliations,
  WIRING,
} from '@weft/service';
import type { FastifyRequest } from 'fastify';
import { RECONCILED, STATEMENT_KEYS, STATEMENTS } from './examples.js';
import { personOf } from './person.js';
import { ReconciliationAnswer, SignedStatementAnswer, StatementKeysAnswer } from './reconciliation-answers.js';

/** Some 700,000 ids; the command line takes more. */
const MANIFEST_LIMIT_BYTES = 64 * 1024 * 1024;
const MANIFEST_TYPES = ['application/x-ndjson', 'text/csv', 'application/json'];
const FINDINGS_MAX = 1_000;
/** Each reads a day of an organisation's topics. */
const AT_ONCE_MAX = 4;

/** What an organisation says it sent, compared with what arrived of it. It is told of nothing but its own. */
@ApiTags('reconciliation')
@Controller('reconciliations')
@UseFilters(AuditedProblemFilter)
export class ReconciliationsController implements OnApplicationBootstrap {
  private readonly underWay = new Set<string>();

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
    private readonly audit: AuditLog,
    private readonly times: AnswerTimes,
  ) {}

  onApplicationBootstrap(): void {
    watchReconciliations(this.service);
  }

  @Post()
  @Roles('publisher', 'governance', 'operations')
  @Example(RECONCILED)
  @HttpCode(200)
  @RawBody(MANIFEST_LIMIT_BYTES, { takes: MANIFEST_TYPES, audited: 'reconcile' })
  @ApiOperation({
    summary: 'Compares a manifest of what was sent with what arrived, and states it, signed',
    description:
      'JSON lines, CSV or a JSON document, with a head: events or HL7 v2 messages by their ids, or counts by type and hour. Publishers ' +
      'send their own organisation’s. The statement is kept.',
  })
  @ApiConsumes(...MANIFEST_TYPES)
  @ApiBody({ schema: { type: 'string' }, description: 'The manifest' })
  @ApiOkResponse({ type: ReconciliationAnswer })
  @ApiPayloadTooLargeResponse({ description: 'Above 64 MiB: `weft reconcile --engines` takes more, or send several' })
  @ApiUnprocessableEntityResponse({ description: 'Nothing in it, or not valid; one errors[] item a fault, with its line' })
  @ApiTooManyRequestsResponse({ description: 'One of this organisation is being compared' })
  async reconcile(@Body() body: Buffer | undefined, @CurrentCaller() caller: Caller): Promise<ReconciliationAnswer> {
    const source = (): AsyncGenerator<Uint8Array> => inTurns(body ?? Buffer.alloc(0));
    const manifest = await orRefuse(readManifest(source));
    const { organisation, kind } = manifest;
    refuseUnlessOwn(caller, organisation);
    this.refuseUnlessKnown(organisation, 'organisation');
    await this.audit.note(caller, 'reconcile', { outcome: 'accepted', about: `${organisation} ${kind} ${manifest.digest}` });
    return this.alone(organisation, () => this.times.hold('reading', () => this.compared(source, manifest, caller)));
  }

  private async compared(source: ManifestSource, manifest: Manifest, caller: Caller): Promise<ReconciliationAnswer> {
    const { settings, region } = this.service;
    const findings: Finding[] = [];
    let more = 0;
    const isOthers = mayAskForAny(caller);
    const onFinding = (finding: Finding): void => {
      if (findings.length < FINDINGS_MAX) findings.push(isOthers ? finding : asToldToSender(manifest, finding));
      else more += 1;
    };
    const listeners = settings.hl7v2Listeners;
    const by = { region: region.id, key: statementKeyOf(settings), listeners, by: personOf(caller) };
    return { ...(await orRefuse(reconcile(this.wiring, source, manifest, by, { onFinding }))), findings, more };
  }

  @Get()
  @Roles('publisher', 'governance', 'operations')
  @Example(STATEMENTS)
  @ApiOperation({ summary: 'The last statements of an organisation’s manifests, the newest first, at most a hundred' })
  @ApiQuery({ name: 'organisation', required: false, description: 'ODS code; absent: the caller’s own' })
  @ApiOkResponse({ type: [SignedStatementAnswer] })
  @ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
  @ApiNotFoundResponse({ description: 'No such organisation' })
  async statements(@Req() request: FastifyRequest, @CurrentCaller() caller: Caller): Promise<SignedStatementAnswer[]> {
    refuseOtherParameters(request, ['organisation']);
    const organisation = parameter(request, 'organisation') ?? caller.organisation ?? '';
    refuseUnlessOwn(caller, organisation);
    this.refuseUnlessKnown(organisation, 'organisation');
    return (await lastStatements(this.wiring.store, organisation)).map(({ statement, signature }) => ({ statement, signature }));
  }

  @Get('keys')
  @Example(STATEMENT_KEYS)
  @Public()
  @ApiOperation({ summary: 'The public keys by which statements are verified, as a JWK set' })
  @ApiOkResponse({ type: StatementKeysAnswer })
  keys(): StatementKeysAnswer {
    return { keys: [statementKeyOf(this.service.settings).publicJwk] };
  }

  private refuseUnlessKnown(organisation: string, field: string): void {
    if (this.service.organisations.known.has(organisation)) return;
    const problem = { field, code: 'unknown-organisation', message: 'must be an organisation of this region' };
    throw new HttpProblem(404, 'no-such-organisation', 'The region has no such organisation', { errors: [problem] });
  }

  /** One of an organisation at a time, and of all no more than there is room for. */
  private async alone<T>(organisation: string, work: () => Promise<T>): Promise<T> {
    if (this.underWay.has(organisation) || this.underWay.size >= AT_ONCE_MAX)
      throw new HttpProblem(429, 'reconciling', 'A manifest is being compared already', {
        detail: 'Send it again once that one is answered.',
        headers: { 'retry-after': '10' },
      });
    this.underWay.add(organisation);
    try {
      return await work();
    } finally {
      this.underWay.delete(organisation);
    }
  }
}

const CHUNK_BYTES = 64 * 1024;

/** A body may hold hundreds of thousands of items: others are answered between them. */
async function* inTurns(body: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    yield body.subarray(at, at + CHUNK_BYTES);
    await nextTurn();
  }
}

const mayAskForAny = ({ roles }: Caller): boolean => roles.includes('governance') || roles.includes('operations');

function refuseUnlessOwn(caller: Caller, organisation: string): void {
  if (mayAskForAny(caller) || caller.organisation === organisation) return;
  throw new HttpProblem(403, 'not-yours', 'A publisher is told of its own organisation alone', {
    detail: 'The manifest is of another one.',
  });
}

async function orRefuse<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof BadManifest)) throw error;
    throw new HttpProblem(422, 'bad-manifest', 'The manifest is not valid', { errors: [...error.problems] });
  }
}
