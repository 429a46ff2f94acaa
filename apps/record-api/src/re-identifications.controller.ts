import { Body, Controller, Get, HttpCode, Inject, Param, Post, Res, UseFilters } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiForbiddenResponse,
  ApiGoneResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import {
  authoriseReIdentification,
  isKnown,
  mayBeDisclosed,
  NotReIdentified,
  proposeReIdentification,
  pseudonymsOfPerson,
  type ReIdentification,
  reIdentification,
  reIdentifications,
  survivorOf,
  takeDisclosure,
  type Wiring,
} from '@weft/processing';
import { Audited, AuditLog, type Caller, CurrentCaller, Example, HttpProblem, Roles, WIRING } from '@weft/service';
import type { FastifyReply } from 'fastify';
import { nothingKnown } from './asked.js';
import { DISCLOSURE, RE_IDENTIFICATION, RE_IDENTIFICATION_AUTHORISED, RE_IDENTIFICATIONS, RE_IDENTIFY } from './examples.js';
import { personOf } from './person.js';
import {
  DisclosureAnswer,
  ReIdentificationAnswer,
  ReIdentificationToPropose,
  SubjectMeant,
} from './re-identification-answers.js';
import { type Found, ReIdentificationDesk } from './re-identification-desk.js';
import { namesNobody, refusal, refuseNames, ReIdentificationProblemFilter, subjectOf } from './re-identification-refusals.js';

/** The one way on which an NHS number and what research or population health calls the person come together. */
@ApiTags('re-identification')
@Controller('re-identifications')
@Roles('governance')
@UseFilters(ReIdentificationProblemFilter)
export class ReIdentificationsController {
  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly desk: ReIdentificationDesk,
    private readonly audit: AuditLog,
  ) {}

  @Post()
  @Example(RE_IDENTIFY)
  @Audited('propose-re-identification')
  @HttpCode(202)
  @ApiOperation({
    summary: 'Proposes to find out what research or population health calls a person, or whom it calls so',
    description:
      'It waits a week for the authorisation of a second person. Whom it is about is not kept, and shown to nobody: both name them.',
  })
  @ApiAcceptedResponse({ type: ReIdentificationAnswer, description: 'It waits for a second person' })
  @ApiBadRequestResponse({ description: 'No reason, or one that names somebody; not one of `nhsNumber` and `pseudonym`' })
  @ApiNotFoundResponse({ description: 'Nothing is known of this NHS number, or under this pseudonym' })
  async propose(
    @Body() { purpose, reason, ...meant }: ReIdentificationToPropose,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReIdentificationAnswer> {
    refuseNames(reason);
    const subject = subjectOf(meant);
    const known = meant.pseudonym === undefined ? 'nhs-number' : 'pseudonym';
    const patient = this.keyOf(meant);
    if (!(await this.isKnown(patient, purpose, subject))) {
      if (patient !== null) throw nothingKnown();
      await this.audit.note(caller, 'propose-re-identification', { outcome: 'not-found', purpose });
      throw namesNobody();
    }
    const id = this.wiring.random.uuid();
    const about = `re-identification ${id}: ${reason}`;
    await this.audit.note(caller, 'propose-re-identification', { outcome: 'accepted', patient, purpose, about });
    reply.header('location', `/re-identifications/${id}`);
    return proposeReIdentification(this.wiring, { id, purpose, known, reason, subject, by: personOf(caller) });
  }

  @Get()
  @Example(RE_IDENTIFICATIONS)
  @ApiOperation({
    summary: 'Every re-identification that was proposed, the first one first: who, why, and what became of it',
    description: 'Of whom is not said.',
  })
  @ApiOkResponse({ type: [ReIdentificationAnswer] })
  all(): Promise<ReIdentificationAnswer[]> {
    return reIdentifications(this.wiring);
  }

  @Get(':id')
  @Example(RE_IDENTIFICATION)
  @ApiOperation({ summary: 'One of them' })
  @ApiOkResponse({ type: ReIdentificationAnswer })
  @ApiNotFoundResponse({ description: 'No such re-identification' })
  async one(@Param('id') id: string): Promise<ReIdentificationAnswer> {
    const found = await reIdentification(this.wiring, id);
    if (found === null) throw refusal(new NotReIdentified('unknown'));
    return found;
  }

  @Post(':id/authorisations')
  @Example(RE_IDENTIFICATION_AUTHORISED)
  @Audited('authorise-re-identification')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Authorises a re-identification that somebody else proposed, naming whom it is about',
    description: 'It may be disclosed then for an hour; for a day where a pseudonym is known.',
  })
  @ApiOkResponse({ type: ReIdentificationAnswer, description: 'It may be disclosed, once' })
  @ApiBadRequestResponse({ description: 'Not one of `nhsNumber` and `pseudonym`' })
  @ApiForbiddenResponse({ description: 'The role `governance` is needed, and another person than proposed it' })
  @ApiNotFoundResponse({ description: 'No such re-identification' })
  @ApiConflictResponse({ description: 'It is about somebody else, or was authorised already' })
  @ApiGoneResponse({ description: 'It waited too long: propose it again' })
  async authorise(
    @Param('id') id: string,
    @Body() meant: SubjectMeant,
    @CurrentCaller() caller: Caller,
  ): Promise<ReIdentificationAnswer> {
    const found = await refusing(authoriseReIdentification(this.wiring, id, subjectOf(meant), personOf(caller)));
    const about = `re-identification ${id}, proposed by ${found.proposedBy.subject}: ${found.reason}`;
    const { purpose } = found;
    const patient = this.keyOf(meant);
    await this.audit.note(caller, 'authorise-re-identification', { outcome: 'accepted', patient, purpose, about });
    return found;
  }

  @Post(':id/disclosures')
  @Example(DISCLOSURE)
  @Audited('re-identify')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Discloses number and pseudonym together, once, to who proposed it or to who authorised it',
    description:
      'It is in the person’s audit before: to whom, on whose word, and why. Whose answer is lost has it proposed again.',
  })
  @ApiOkResponse({ type: DisclosureAnswer })
  @ApiAcceptedResponse({ type: DisclosureAnswer, description: 'The person is still searched for among everybody: ask again' })
  @ApiBadRequestResponse({ description: 'Not one of `nhsNumber` and `pseudonym`' })
  @ApiForbiddenResponse({ description: 'The role `governance` is needed, and one of the two' })
  @ApiNotFoundResponse({ description: 'No such re-identification, or the pseudonym names nobody any more' })
  @ApiConflictResponse({ description: 'It is about somebody else, is not authorised, or was disclosed already' })
  @ApiGoneResponse({ description: 'It was authorised too long ago: propose it again' })
  async disclose(
    @Param('id') id: string,
    @Body() meant: SubjectMeant,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<DisclosureAnswer> {
    const subject = subjectOf(meant);
    const to = personOf(caller);
    const asked = await refusing(mayBeDisclosed(this.wiring, id, subject, to));
    const found = await this.personOf(asked, meant);
    if (found === 'searching') {
      reply.code(202);
      return { id, state: 'searching' };
    }
    const { purpose } = asked;
    const pseudonyms = await pseudonymsOfPerson(this.wiring, purpose, found.key);
    const { proposedBy, authorisedBy, reason } = await refusing(takeDisclosure(this.wiring, id, subject, to));
    const about = `re-identification ${id}, proposed by ${proposedBy.subject}, authorised by ${authorisedBy?.subject}: ${reason}`;
    await this.audit.note(caller, 're-identify', { outcome: 'given', patient: found.key, purpose, about });
    return { id, state: 'disclosed', purpose, nhsNumber: found.nhsNumber, ...pseudonyms };
  }

  private async personOf(asked: ReIdentification, meant: SubjectMeant): Promise<(Found & { nhsNumber: string }) | 'searching'> {
    const key = this.keyOf(meant);
    if (key !== null) {
      const { nhsNumber } = await survivorOf(this.wiring.store, key);
      return { key, nhsNumber: nhsNumber ?? (meant.nhsNumber as string) };
    }
    const found = await this.desk.find(asked, meant.pseudonym as string);
    if (found === 'searching') return found;
    if (found === null) throw namesNobody();
    if (found.nhsNumber !== null) return { key: found.key, nhsNumber: found.nhsNumber };
    throw new HttpProblem(409, 'number-not-found', 'The number of this person stands nowhere any more', {
      detail: 'No resource of theirs holds it, and the messages that they came by are no longer kept.',
    });
  }

  private async isKnown(patient: string | null, purpose: ReIdentification['purpose'], subject: string): Promise<boolean> {
    if (patient !== null) return isKnown(this.wiring, patient);
    return this.desk.mayName(purpose, subject);
  }

  private keyOf({ nhsNumber }: SubjectMeant): string | null {
    return nhsNumber === undefined ? null : this.wiring.keys.patient(nhsNumber);
  }
}

async function refusing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof NotReIdentified ? refusal(error) : error;
  }
}
