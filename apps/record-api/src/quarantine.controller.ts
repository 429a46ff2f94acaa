import { Body, Controller, Get, HttpCode, Inject, Param, Post, UseFilters } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import {
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiPayloadTooLargeResponse,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { mendsHeader } from '@weft/care-events';
import { nhsNumberProblem } from '@weft/domain';
import { CONSENT_TOPIC, listQuarantine, type Quarantined, redrive, type Wiring } from '@weft/processing';
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
} from '@weft/service';
import { IsBase64, IsObject, IsOptional, IsString } from 'class-validator';
import { CoordinatesAnswer, QuarantinedAnswer, QuarantinedWholeAnswer } from './answers.js';
import { invalid } from './asked.js';

/** A message of 1 MiB in Base64, with headers. */
const MENDED_LIMIT_BYTES = 2_000_000;

/** What is mended goes instead of what was sent; what is left out goes as it was. */
class Mended {
  @ApiPropertyOptional({ description: 'The message’s key: the NHS number' })
  @IsOptional()
  @IsString()
  key?: string;
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
  @Roles('operations')
  @ApiOperation({ summary: 'What could not be accepted, and why; oldest first', description: 'Without what the messages say.' })
  @ApiOkResponse({ type: [QuarantinedAnswer] })
  async list(): Promise<QuarantinedAnswer[]> {
    return (await listQuarantine(this.wiring.bus)).map(withoutContent);
  }

  // An id holds slashes, which many proxies decode on the way: both forms find it.
  @Get([':id', ':topic/:partition/:offset'])
  @Roles('operations')
  @Audited('quarantine')
  @ApiOperation({ summary: 'One message in quarantine, with what it says' })
  @ApiParam({ name: 'id', description: '`<topic>/<partition>/<offset>`, its slashes as they are or as %2F' })
  @ApiOkResponse({ type: QuarantinedWholeAnswer })
  @ApiNotFoundResponse({ description: 'Nothing in quarantine has this id' })
  async show(@Param() path: Record<string, string>, @CurrentCaller() caller: Caller): Promise<QuarantinedWholeAnswer> {
    const found = await this.find(path);
    await this.audit.note(caller, 'quarantine', { outcome: 'given', patient: this.patientOf(found.key), about: found.id });
    const text = utf8Text(found.value);
    const content = text === undefined ? { base64: Buffer.from(found.value).toString('base64') } : { text };
    return { ...withoutContent(found), key: found.key, headers: found.headers, ...content };
  }

  @Post([':id/redrive', ':topic/:partition/:offset/redrive'])
  @HttpCode(200)
  @Roles('operations')
  @RouteConfig({ audited: 'redrive', bodyLimitBytes: MENDED_LIMIT_BYTES })
  @ApiOperation({
    summary: 'Sends it back to the topic it came from, as it was or mended, and takes it out of quarantine',
    description: 'What is still wrong with it brings it back, under a new id.',
  })
  @ApiParam({ name: 'id', description: '`<topic>/<partition>/<offset>`, its slashes as they are or as %2F' })
  @ApiOkResponse({ type: CoordinatesAnswer, description: 'Where it stands now' })
  @ApiBadRequestResponse({ description: 'What is to go instead cannot be read' })
  @ApiPayloadTooLargeResponse({ description: 'What is to go instead is too large' })
  @ApiNotFoundResponse({ description: 'Nothing in quarantine has this id' })
  async redrive(
    @Param() path: Record<string, string>,
    @Body() mended: Mended,
    @CurrentCaller() caller: Caller,
  ): Promise<CoordinatesAnswer> {
    const { key, headers, text, base64 } = mended;
    if (text !== undefined && base64 !== undefined) {
      throw invalid({ field: 'base64', code: 'too-many', message: 'and text are both there: one is enough' });
    }
    const problem = Object.values(headers ?? {}).find((value) => typeof value !== 'string');
    if (problem !== undefined) throw invalid({ field: 'headers', code: 'malformed', message: 'holds a value that is no text' });
    const found = await this.find(path);
    const patient = this.patientOf(key ?? found.key);
    await this.audit.note(caller, 'redrive', { outcome: 'accepted', patient, about: found.id });
    const value = text !== undefined ? Buffer.from(text) : base64 !== undefined ? Buffer.from(base64, 'base64') : undefined;
    const instead = {
      ...(key !== undefined && { key }),
      ...(headers !== undefined && { headers }),
      ...(value !== undefined && { value }),
    };
    if (found.from.topic !== CONSENT_TOPIC) return redrive(this.wiring.bus, found.id, instead);
    const seal = sealOf(this.service.settings);
    return redrive(this.wiring.bus, found.id, instead, (place, about) => mendsHeader(place, about, seal));
  }

  private async find({ id, topic, partition, offset }: Record<string, string>): Promise<Quarantined> {
    const wanted = id ?? `${topic}/${partition}/${offset}`;
    const found = (await listQuarantine(this.wiring.bus)).find((message) => message.id === wanted);
    if (found === undefined) throw new HttpProblem(404, 'not-in-quarantine', 'Nothing in quarantine has this id');
    return found;
  }

  private patientOf(key: string): string | null {
    return nhsNumberProblem(key) === null ? this.wiring.keys.patient(key) : null;
  }
}

function withoutContent({ id, quarantinedAt, problems, from, value }: Quarantined): QuarantinedAnswer {
  return { id, quarantinedAt, problems, from, bytes: value.length };
}
