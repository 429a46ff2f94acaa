import { AUTHORITIES, ORGANISATION_KINDS, type Problem } from '../vocabulary.js';
import { READERS } from './notices.js';
import { isObject } from '../is-object.js';
import { isOneOf, isText, listProblems, problem, unknownMembers } from './document-checks.js';
import { WAIT_MINUTES } from './waits.js';

/** Everything that is wrong with each section of a policy document beside its rules. */
export const SECTION_CHECKS: Readonly<Record<string, (section: unknown, path: string) => Problem[]>> = {
  authorities: authoritiesProblems,
  identity: identityProblems,
  ages: agesProblems,
  codes: (codes, path) => listProblems(codes, path, { isSound: isText, are: 'codes, each a text' }),
  notices: noticesProblems,
  waits: waitsProblems,
};

const KINDS = ORGANISATION_KINDS.map((kind) => `kind:${kind}`);
const MAKERS = ['any', 'governance', 'ndoo-import', 'entry-organisation', ...KINDS];
// `entry-organisation` would let every organisation lift, and `same-source` every organisation record.
const LIFTERS = ['any', 'governance', 'ndoo-import', 'same-source', ...KINDS];
const AUTHORITY_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  recordedBy: MAKERS,
  denialRecordedBy: MAKERS,
  liftedBy: LIFTERS,
  needs: ['performer'],
};

function authoritiesProblems(authorities: unknown, path: string): Problem[] {
  if (!isObject(authorities)) return [problem(path, `is no object with a rule for each of ${AUTHORITIES.join(', ')}`)];
  return [
    ...unknownMembers(authorities, AUTHORITIES, path),
    ...AUTHORITIES.flatMap((authority) => authorityProblems(authorities[authority], `${path}.${authority}`)),
  ];
}

function authorityProblems(rule: unknown, path: string): Problem[] {
  if (rule === undefined) return [problem(path, 'is missing: each authority has a rule')];
  if (!isObject(rule)) return [problem(path, 'is no object with recordedBy and liftedBy')];
  return [
    ...unknownMembers(rule, Object.keys(AUTHORITY_MEMBERS), path),
    ...['recordedBy', 'liftedBy']
      .filter((member) => rule[member] === undefined)
      .map((member) => problem(`${path}.${member}`, 'is missing')),
    ...Object.entries(AUTHORITY_MEMBERS).flatMap(([member, allowed]) =>
      rule[member] === undefined ? [] : listProblems(rule[member], `${path}.${member}`, { ...oneOf(allowed), least: 1 }),
    ),
  ];
}

const ODS_CODES = {
  isSound: (item: unknown) => typeof item === 'string' && /^[A-Z0-9]{1,9}$/.test(item),
  are: 'ODS codes: 1 to 9 capital letters and digits',
};
const IDENTIFIERS = oneOf(['demographics', 'recorded', 'same-source']);
const IDENTITY_MEMBERS = {
  ...{ demographics: ODS_CODES, merges: IDENTIFIERS, unmerges: IDENTIFIERS },
  ...{ deaths: IDENTIFIERS, deathRetractions: IDENTIFIERS },
};

/** A document may say no more than who the demographics services are. */
function identityProblems(identity: unknown, path: string): Problem[] {
  return membersProblems(identity, path, IDENTITY_MEMBERS);
}

const OLDEST_OWN_AGE = 18;

function agesProblems(ages: unknown, path: string): Problem[] {
  if (!isObject(ages)) return [problem(path, 'is no object with own')];
  const { own } = ages;
  const isYears = typeof own === 'number' && Number.isInteger(own) && own >= 0 && own <= OLDEST_OWN_AGE;
  return [
    ...unknownMembers(ages, ['own'], path),
    ...(isYears ? [] : [problem(`${path}.own`, `is no whole number of years up to ${OLDEST_OWN_AGE}`)]),
  ];
}

function waitsProblems(waits: unknown, path: string): Problem[] {
  const { least, most } = WAIT_MINUTES;
  const wanted = `a whole number of minutes from ${least} to ${most}`;
  if (!isObject(waits)) return [problem(path, `is no object with individualCareMinutes, ${wanted}`)];
  const { individualCareMinutes: minutes } = waits;
  const isWithin = typeof minutes === 'number' && Number.isInteger(minutes) && minutes >= least && minutes <= most;
  return [
    ...unknownMembers(waits, ['individualCareMinutes'], path),
    ...(isWithin ? [] : [problem(`${path}.individualCareMinutes`, `is no ${wanted.slice(2)}`)]),
  ];
}

const NOTICE_MEMBERS = { withheld: oneOf(READERS), silent: oneOf(AUTHORITIES) };

function noticesProblems(notices: unknown, path: string): Problem[] {
  return membersProblems(notices, path, NOTICE_MEMBERS);
}

function oneOf(allowed: readonly string[]) {
  return { isSound: (item: unknown) => isOneOf(item, allowed), are: allowed.join(', ') };
}

/** A section of lists, any of which may be left out. */
function membersProblems(
  section: unknown,
  path: string,
  lists: Readonly<Record<string, Parameters<typeof listProblems>[2]>>,
): Problem[] {
  const members = Object.keys(lists);
  if (!isObject(section)) return [problem(path, `is no object with ${members.join(', ')}`)];
  return [
    ...unknownMembers(section, members, path),
    ...Object.entries(lists).flatMap(([member, items]) =>
      section[member] === undefined ? [] : listProblems(section[member], `${path}.${member}`, items),
    ),
  ];
}
