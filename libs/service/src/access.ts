import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiBearerAuth, ApiForbiddenResponse, ApiUnauthorizedResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.js';
import type { RegionOrganisations } from './region-organisations.js';
import { type Caller, type Role, Unauthenticated } from './tokens.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, once the token was found sound. */
    caller: Caller | null;
    /** Why the token that came was not found sound. */
    refusal: Error | null;
  }
}

const ALLOWED = 'weft:allowed';
/** Roles that somebody has for an organisation: without one that the region knows they are nobody's. */
const ACT_FOR_ONE: readonly Role[] = ['publisher', 'clinician', 'subscriber'];
const ACTS_FOR_ONE = 'Publishers, clinicians and subscribers act for an organisation of the region (claim org).';

/** Callers with any of these roles may; a method's word stands before its controller's. */
export const Roles = (...roles: [Role, ...Role[]]) =>
  applyDecorators(
    SetMetadata(ALLOWED, roles),
    ApiBearerAuth(),
    ApiUnauthorizedResponse({ description: 'No token, or a bad one' }),
    ApiForbiddenResponse({ description: `Needs one of the roles ${roles.join(', ')}` }),
  );

/** Everybody may, without a token. */
export const Public = () => SetMetadata(ALLOWED, 'everybody');

/** The caller, in a handler that Roles guards. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<FastifyRequest>();
  if (caller === null) throw new Error('CurrentCaller is for handlers that Roles guards');
  return caller;
});

/**
 * A handler that says neither Roles nor Public is closed to all: forgetting is not opening. Who has one of the roles for an
 * organisation must name one of the region that may do so now, unless another role of theirs may do the same without.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly organisations: Pick<RegionOrganisations, 'toSend' | 'toRead'>,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const allowed = this.reflector.getAllAndOverride<readonly Role[] | 'everybody' | undefined>(ALLOWED, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (allowed === 'everybody') return true;
    const { caller, refusal } = context.switchToHttp().getRequest<FastifyRequest>();
    if (caller === null) throw refusal ?? new Unauthenticated('missing', 'a bearer token is needed');
    const held = (allowed ?? []).filter((role) => caller.roles.includes(role));
    if (held.length === 0) throw wrongRole(allowed ?? []);
    if (held.every((role) => ACT_FOR_ONE.includes(role))) this.refuseUnlessItMay(caller, held);
    return true;
  }

  private refuseUnlessItMay({ organisation }: Caller, held: readonly Role[]): void {
    if (organisation === undefined) {
      throw new HttpProblem(403, 'no-organisation', 'Your token names no organisation', { detail: ACTS_FOR_ONE });
    }
    const standings = held.map((role) =>
      role === 'publisher' ? this.organisations.toSend(organisation) : this.organisations.toRead(organisation),
    );
    const why = standings.find((standing) => standing !== 'may');
    if (why === undefined || standings.includes('may')) return;
    throw new HttpProblem(403, WHY_NOT[why].code, WHY_NOT[why].title, { detail: WHY_NOT[why].detail });
  }
}

const WHY_NOT = {
  unknown: {
    code: 'unknown-organisation',
    title: 'Your organisation is not one of this region',
    detail: ACTS_FOR_ONE,
  },
  suspended: {
    code: 'suspended-organisation',
    title: 'Your organisation is suspended',
    detail: 'It may not send until the region’s governance reinstates it. What it sent before stays in the records.',
  },
  'kind-not-in-force': {
    code: 'organisation-waits',
    title: 'Your organisation may not read yet',
    detail: 'A second person of the region’s governance has to authorise of what kind it is.',
  },
} as const;

function wrongRole(allowed: readonly Role[]): HttpProblem {
  return new HttpProblem(403, 'wrong-role', 'Your roles do not allow this', {
    detail: allowed.length === 0 ? 'No role may do this.' : `One of these roles may: ${allowed.join(', ')}.`,
    headers: { 'www-authenticate': `Bearer realm="weft", error="insufficient_scope", scope="${allowed.join(' ')}"` },
  });
}
