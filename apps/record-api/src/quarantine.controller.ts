import { Body, Controller, Get, HttpCode, Inject, Param, Post, UseFilters } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiPayloadTooLargeResponse,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { identityProblems, mendsHeader } from '@weft/care-events';
import { type Coordinates, nhsNumberProblem, placeOf } from '@weft/domain';
import { inRawParts } from '@weft/hl7v2';
import {
  CONSENT_TOPIC,
  findQuarantined,
  HL7V2_PREFIX,
  listQuarantine,
  type ProposedMend,
  proposeMend,
  type Quarantined,
  redrive,
  REDRIVES_HEADER,
  type Wiring,
} from '@weft/processing';
import {
  Audited,
  AuditedProblemFilter,
  AuditLog,
  type Caller,
  CurrentCaller,
  HttpProblem,
  Roles,
  sealOf,
  Service,
  utf8Text,
  WIRING,
  invalid,
  Example,
} from '@weft/service';
import { IsBase64, IsObject, IsOptional, IsString, Length } from 'class-validator';
import { CoordinatesAnswer, MendAnswer, QuarantinedAnswer, QuarantinedWholeAnswer } from './answers.js';
import { personOf } from './person.js';
import { APPROVE, MEND, QUARANTINE, QUARANTINED, REDRIVEN } from './examples.js';

/** A message of 1 MiB in Base64, with headers. */
const MENDED_LIMIT_BYTES = 2_000_000;
const REASON_MAX = 500;

/** What is to go instead of what was sent; headers that are left out go as they were. */
class Mend {
  @ApiPropertyOptional({ type: Object, description: 'All headers, texts' })
  @IsOptional()
  @IsObject()
  headers?: Record<string, string>;
  @ApiPropertyOptional({ description: 'The value' })
  @IsOptional()
  @IsString()
  text?: string;
  @ApiPropertyOptional({ description: 'The value in Base64, instead of `text`' })
  @IsOptional()
  @IsBase64()
  base64?: string;
  @ApiProperty({ description: 'Why; shown to whoever approves it' })
  @IsString()
  @Length(1, REASON_MAX)
  reason!: string;
}

class Approval {
  @ApiProperty({ description: 'Of the mend that was looked at, as `mend.digest` has it' })
  @IsString()
  digest!: string;
}

@ApiTags('operations')
@Controller('quarantine')
@UseFilters(AuditedProblemFilter)
export class QuarantineController {
  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly audit: AuditLog,
    private readonly service: Service,
  ) {}

  @Get()
  @Example(QUARANTINE)
  @Roles('operations', 'governance')
  @ApiOperation({ summary: 'What could not be accepted, and why; oldest first', description: 'Without what the messages say.' })
  @ApiOkResponse({ type: [QuarantinedAnswer] })
  async list(): Promise<QuarantinedAnswer[]> {
    return (await listQuarantine(this.wiring.bus)).map(withoutContent);
  }

  // An id holds slashes, which many proxies decode on the way: both forms find it.
  @Get([':id', ':topic/:partition/:offset'])
  @Example(QUARANTINED)
  @Roles('operations', 'governance')
  @Audited('quarantine')
  @ApiOperation({
    summary: 'One message that could not be accepted',
    description: 'Governance sees it whole, with what is to go instead; operations its route and its faults.',
  })
  @ApiParam({ name: 'id', description: '`<topic>/<partition>/<offset>`, its slashes as they are or as %2F' })
  @ApiOkResponse({ type: QuarantinedWholeAnswer })
  @ApiNotFoundResponse({ description: 'Nothing in quarantine has this id' })
  async show(
    @Param() path: Record<string, string>,
    @CurrentCaller() caller: Caller,
  ): Promise<QuarantinedAnswer | QuarantinedWholeAnswer> {
    const found = await this.find(path);
    if (!caller.roles.includes('governance')) return withoutContent(found);
    await this.audit.note(caller, 'quarantine', { outcome: 'given', patient: this.patientOf(found.key), about: found.id });
    const { mend } = found;
    return {
      ...withoutContent(found),
      key: found.key,
      headers: found.headers,
      ...contentOf(found.value),
      ...(mend !== undefined && { mend: { ...outlineOf(mend), headers: mend.headers, ...contentOf(mend.value) } }),
    };
  }

  @Post([':id/redrive', ':topic/:partition/:offset/redrive'])
  @Example(REDRIVEN)
  @HttpCode(200)
  @Roles('operations', 'governance')
  @Audited('redrive')
  @ApiOperation({
    summary: 'Sends it back to the topic it came from as it was, and takes it out of quarantine',
    description: 'What is still wrong with it brings it back, under a new id. What is to be changed is mended: `…/mend`.',
  })
  @ApiParam({ name: 'id', description: '`<topic>/<partition>/<offset>`, its slashes as they are or as %2F' })
  @ApiOkResponse({ type: CoordinatesAnswer, description: 'Where it stands now' })
  @ApiBadRequestResponse({ description: 'There is a body: a message is changed by `…/mend`' })
  @ApiNotFoundResponse({ description: 'Nothing in quarantine has this id' })
  async redrive(
    @Param() path: Record<string, string>,
    @Body() body: unknown,
    @CurrentCaller() caller: Caller,
  ): Promise<CoordinatesAnswer> {
    if (Object.keys(body ?? {}).length > 0) {
      throw invalid({
        field: 'body',
        code: 'unexpected',
        message: 'a redrive sends what stands in quarantine; governance proposes another content with …/mend',
      });
    }
    const found = await this.find(path);
    const digest = this.digestOf(found);
    await this.audit.note(caller, 'redrive', {
      outcome: 'accepted',
      patient: this.patientOf(found.key),
      about: `${found.id} ${digest}`,
    });
    return this.send(found, caller);
  }

  @Post([':id/mend', ':topic/:partition/:offset/mend'])
  @Example(MEND)
  @HttpCode(202)
  @Roles('governance')
  @RouteConfig({ audited: 'mend', bodyLimitBytes: MENDED_LIMIT_BYTES })
  @ApiOperation({
    summary: 'Proposes what is to go instead, in place of what was proposed before',
    description:
      'Key, id, source and subject stay what they are. It waits for another person, who approves what they looked at (`…/approve`).',
  })
  @ApiParam({ name: 'id', description: '`<topic>/<partition>/<offset>`, its slashes as they are or as %2F' })
  @ApiAcceptedResponse({ type: MendAnswer, description: 'Waits for somebody else’s approval' })
  @ApiBadRequestResponse({ description: 'What is to go instead cannot be read, or is of another identity' })
  @ApiPayloadTooLargeResponse({ description: 'What is to go instead is too large' })
  @ApiNotFoundResponse({ description: 'Nothing in quarantine has this id' })
  async mend(
    @Param() path: Record<string, string>,
    @Body() { headers, text, base64, reason }: Mend,
    @CurrentCaller() caller: Caller,
  ): Promise<MendAnswer> {
    if ((text === undefined) === (base64 === undefined)) {
      throw invalid({ field: 'text', code: 'required', message: 'is required, or base64 instead of it' });
    }
    if (Object.values(headers ?? {}).some((value) => typeof value !== 'string')) {
      throw invalid({ field: 'headers', code: 'malformed', message: 'holds a value that is no text' });
    }
    const found = await this.find(path);
    const value = text === undefined ? Buffer.from(base64 as string, 'base64') : Buffer.from(text);
    const mended = { headers: headers ?? found.headers, value };
    const problems = identityProblems(found, mended);
    if (problems.length > 0) throw invalid(...problems);
    const [before, digest] = [this.digestOf(found), this.digestOf(mended)];
    const about = `${found.id} ${before} → ${digest}`;
    await this.audit.note(caller, 'mend', { outcome: 'accepted', patient: this.patientOf(found.key), about });
    await proposeMend(this.wiring, found, { ...mended, digest, proposedBy: personOf(caller), reason });
    return outlineOf((await this.find(path)).mend as ProposedMend);
  }

  @Post([':id/approve', ':topic/:partition/:offset/approve'])
  @Example(APPROVE)
  @HttpCode(200)
  @Roles('governance')
  @Audited('approve')
  @ApiOperation({ summary: 'Approves a mend of somebody else, which is then sent instead' })
  @ApiParam({ name: 'id', description: '`<topic>/<partition>/<offset>`, its slashes as they are or as %2F' })
  @ApiOkResponse({ type: CoordinatesAnswer, description: 'Where the mended message stands now' })
  @ApiNotFoundResponse({ description: 'Nothing in quarantine has this id' })
  @ApiConflictResponse({ description: 'No such mend waits, another one does, or it is the caller’s own' })
  async approve(
    @Param() path: Record<string, string>,
    @Body() { digest }: Approval,
    @CurrentCaller() caller: Caller,
  ): Promise<CoordinatesAnswer> {
    const found = await this.find(path);
    const { mend } = found;
    if (mend?.digest !== digest) {
      throw new HttpProblem(409, 'no-such-mend', 'No mend with this digest waits for approval', {
        detail:
          mend === undefined ? 'Nothing was proposed for this message.' : 'Another one was proposed since: look at it first.',
      });
    }
    if (mend.proposedBy.subject === caller.subject) {
      throw new HttpProblem(409, 'same-person', 'A mend is approved by somebody else than who proposed it');
    }
    const about = `${found.id} ${this.digestOf(found)} → ${digest}`;
    await this.audit.note(caller, 'approve', { outcome: 'accepted', patient: this.patientOf(found.key), about });
    return this.send(found, caller, mend);
  }

  /** Sends it, and notes where it went: the old message is gone from quarantine then, and its entry leads to the new one. */
  private async send(found: Quarantined, caller: Caller, mend?: ProposedMend): Promise<Coordinates> {
    const mends = (place: string, key: string): string => mendsHeader(place, key, sealOf(this.service.settings));
    const { topic } = found.from;
    const at = await redrive(this.wiring.bus, found, {
      mended: mend,
      mendsHeader: topic === CONSENT_TOPIC ? mends : undefined,
      inParts: topic.startsWith(HL7V2_PREFIX) ? inRawParts : undefined,
    });
    const about = `${found.id} → ${placeOf(at)}`;
    await this.audit.note(caller, 'redriven', { outcome: 'accepted', patient: this.patientOf(found.key), about });
    return at;
  }

  private digestOf({ headers, value }: Pick<Quarantined, 'headers' | 'value'>): string {
    return this.wiring.keys.digest(JSON.stringify([Object.entries(headers).sort(), Buffer.from(value).toString('base64')]));
  }

  private async find({ id, topic, partition, offset }: Record<string, string>): Promise<Quarantined> {
    const wanted = id ?? `${topic}/${partition}/${offset}`;
    const found = await findQuarantined(this.wiring.bus, wanted);
    if (found === undefined) throw new HttpProblem(404, 'not-in-quarantine', 'Nothing in quarantine has this id');
    return found;
  }

  private patientOf(key: string): string | null {
    return nhsNumberProblem(key) === null ? this.wiring.keys.patient(key) : null;
  }
}

function withoutContent({ id, quarantinedAt, problems, from, value, headers, mend }: Quarantined): QuarantinedAnswer {
  const redrives = headers[REDRIVES_HEADER];
  return {
    ...{ id, quarantinedAt, problems, from, bytes: value.length },
    ...(redrives !== undefined && { redrives }),
    ...(mend !== undefined && { mend: outlineOf(mend) }),
  };
}

const outlineOf = ({ digest, proposedBy, proposedAt, reason }: ProposedMend): MendAnswer => ({
  ...{ digest, proposedBy, proposedAt, reason },
});

function contentOf(value: Uint8Array): { readonly text: string } | { readonly base64: string } {
  const text = utf8Text(value);
  return text === undefined ? { base64: Buffer.from(value).toString('base64') } : { text };
}
