import { isPurpose } from '@weft/domain';
import { InvalidCall } from '@weft/processing';
import type { Principal } from './plan-acls.js';

const ROLES = [
  'gateway',
  'hl7-gateway',
  'hl7-projector',
  'national-gateway',
  'record-projector',
  'opt-out-projector',
  'record-api',
  'operations',
  'organisation',
  'subscriber',
] as const satisfies readonly Principal['role'][];

/**
 * Who the brokers' users are, as an operator writes it down: a list of `{ user, role }`, with `ods` of an organisation and
 * `purposes` of a subscriber. A user may have several roles, an entry each. Throws InvalidCall with all that is wrong.
 */
export function readPrincipals(value: unknown): Principal[] {
  if (!Array.isArray(value) || value.length === 0) throw new InvalidCall('no list of { user, role }');
  const problems = value.flatMap((entry: unknown, index) => problemsOf(entry).map((problem) => `[${index}].${problem}`));
  if (problems.length > 0) throw new InvalidCall(problems.join('; '));
  return value as Principal[];
}

function problemsOf(entry: unknown): string[] {
  const { user, role, ods, purposes } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const problems: string[] = [];
  // Kafka tells principals of a rule apart by their very characters, and keeps `*` for everybody.
  if (typeof user !== 'string' || !/^[^\s*]+$/.test(user)) problems.push('user is no name of a user');
  if (!ROLES.some((known) => known === role)) problems.push(`role is none of ${ROLES.join(', ')}`);
  if (role === 'organisation' && !(typeof ods === 'string' && /^[A-Z0-9]{1,9}$/.test(ods))) problems.push('ods is no ODS code');
  if (role === 'subscriber' && !(Array.isArray(purposes) && purposes.length > 0 && purposes.every((one) => isPurpose(one))))
    problems.push('purposes is no list of purposes');
  return problems;
}
