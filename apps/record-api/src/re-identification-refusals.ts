import { Catch, Injectable } from '@nestjs/common';
import { nhsNumberProblem } from '@weft/domain';
import type { NotReIdentified } from '@weft/processing';
import { AuditedProblemFilter, AuditLog, HttpProblem, invalid, Service, withoutNumbers } from '@weft/service';
import type { FastifyRequest } from 'fastify';
import type { SubjectMeant } from './re-identification-answers.js';

/** Why nobody is re-identified, as it is answered. */

const REFUSALS: Record<NotReIdentified['why'], readonly [status: number, code: string, title: string, detail: string]> = {
  unknown: [404, 'not-proposed', 'There is no such re-identification', 'It is proposed first, with a reason.'],
  'other-subject': [409, 'other-subject', 'This was proposed about somebody else', 'Ask whoever proposed it whom they mean.'],
  'same-person': [
    403,
    'second-person-needed',
    'Somebody else has to authorise this',
    'Who proposed a re-identification does not authorise it too.',
  ],
  'neither-of-two': [
    403,
    'neither-of-two',
    'This is not disclosed to you',
    'It is disclosed to who proposed it or to who authorised it.',
  ],
  waiting: [409, 'not-authorised', 'Nobody has authorised this yet', 'A second person has to.'],
  authorised: [409, 'authorised-already', 'This was authorised already', 'It waits to be disclosed to either of the two.'],
  disclosed: [409, 'disclosed-already', 'This was disclosed already', 'It is disclosed once: propose it again.'],
  expired: [410, 'expired', 'This is over', 'It was not authorised, or not disclosed, in time: propose it again.'],
};

export function refusal({ why }: NotReIdentified): HttpProblem {
  const [status, code, title, detail] = REFUSALS[why];
  return new HttpProblem(status, code, title, { detail });
}

export const namesNobody = (): HttpProblem =>
  new HttpProblem(404, 'nothing-known', 'Nothing is known under this pseudonym', {
    detail: 'The purpose calls nobody so, or no longer does.',
  });

/** What is known of the person. Throws 400; it is not repeated. */
export function subjectOf({ nhsNumber, pseudonym }: SubjectMeant): string {
  if ((nhsNumber === undefined) === (pseudonym === undefined)) {
    throw invalid({ field: 'nhsNumber', code: 'required', message: 'is required, or pseudonym instead of it' });
  }
  if (nhsNumber !== undefined) {
    const message = nhsNumberProblem(nhsNumber);
    if (message !== null) throw invalid({ field: 'nhsNumber', code: 'invalid-nhs-number', message });
    return nhsNumber;
  }
  if (!/^[0-9a-f]{32}$/.test(pseudonym as string)) {
    throw invalid({ field: 'pseudonym', code: 'malformed', message: 'is none: 32 hex digits, as `subject` of a feed has them' });
  }
  return pseudonym as string;
}

/** A reason stands in the list of all re-identifications, and in the person's audit: neither may hold what the other is to be kept from. */
export function refuseNames(reason: string): void {
  if (withoutNumbers(reason) === reason && !/[0-9a-f]{32}/i.test(reason)) return;
  throw invalid({
    field: 'reason',
    code: 'names-a-person',
    message: 'holds what may be an NHS number or a pseudonym: say it without',
  });
}

/** Whom a request is about stands in its body. */
@Catch()
@Injectable()
export class ReIdentificationProblemFilter extends AuditedProblemFilter {
  constructor(audit: AuditLog, service: Service) {
    super(audit, service);
  }

  protected override subjectOf({ body }: FastifyRequest): string | undefined {
    const { nhsNumber } = (body ?? {}) as { nhsNumber?: unknown };
    return typeof nhsNumber === 'string' ? nhsNumber : undefined;
  }
}
