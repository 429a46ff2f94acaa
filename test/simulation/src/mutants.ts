import { MUTANTS_OF_CLOCKS } from './mutants-of-clocks.js';
import { MUTANTS_OF_DAMAGE } from './mutants-of-damage.js';
import { MUTANTS_OF_DECISIONS } from './mutants-of-decisions.js';
import { MUTANTS_OF_DOCUMENTS } from './mutants-of-documents.js';
import { MUTANTS_OF_MOVES } from './mutants-of-moves.js';
import { MUTANTS_OF_RESTORES } from './mutants-of-restores.js';
import { MUTANTS_OF_STREAMS } from './mutants-of-streams.js';
import type { Mutant } from './mutate.js';

const domain = (file: string) => `libs/domain/src/${file}.ts`;
const processing = (file: string) => `libs/processing/src/${file}.ts`;

const mutant = (file: string, name: string, find: string, replace: string): Mutant => ({ name, file, find, replace });

const RECORD = domain('care-record/record');
const VERSION = domain('care-record/version');
const DEATH = domain('care-record/death');
const MASKING = domain('views/masking');
const HOMES = domain('care-record/homes');
const AT_HOME = processing('homes');
const GIVER = domain('consent/giver');
const NUMBERS = domain('consent/numbers');
const MERGED_DECIDING = processing('decide-while-merged');
const IN_FORCE = domain('consent/in-force');
const PERMITS = domain('consent/permits');
const NOTICES = domain('consent/notices');
const IDENTITY = domain('identity/identity');
const WHO_IS_WHO = domain('consent/identity-rules');
const CLAIMS = processing('claims');
const RECORDING = processing('record-care-events');
const SIFTING = processing('sift-care-events');
const DECISIONS = processing('apply-decisions');
const MERGE = processing('merge-numbers');
const DEATHS = processing('judge-death');
const READ = processing('read-record');
const BOUNDARIES = processing('boundaries');
const DECIDING = processing('decide-views');
const REPLAY = processing('replay-views');
const PATIENT_KEYS = processing('patient-keys');
const POLICY = processing('apply-policy');
const BOOK = processing('policy-book');
const CONCURRENCY = processing('concurrency');

/** Mistakes that somebody might make: each has to break a guarantee that the oracle watches. */
export const MUTANTS: readonly Mutant[] = [
  // evolve: the record
  mutant(RECORD, 'a late earlier version replaces the later one', 'if (!isInForce(placing) || (event', 'if ((event'),
  mutant(
    RECORD,
    'a retraction is taken for a version',
    "const retracted = event.type === 'care-event-retracted-1' || isEnteredInError(event.resource);",
    'const retracted = isEnteredInError(event.resource);',
  ),
  mutant(
    RECORD,
    'entered in error is taken for a version',
    "event.type === 'care-event-retracted-1' || isEnteredInError(event.resource);",
    "event.type === 'care-event-retracted-1';",
  ),
  mutant(RECORD, 'a retracted entry stays retracted', 'entry.retracted = retracted;', 'entry.retracted ||= retracted;'),
  mutant(
    RECORD,
    'the place of an accepted event is forgotten',
    'record.accepted.set(key, { topic, partition, offset, digest',
    'record.accepted.set(key, { ...event.coordinates, offset: -1, digest',
  ),
  mutant(RECORD, 'an amended entry does not say when it changed', 'entry.changedAt = record.revision;', ''),
  mutant(
    VERSION,
    'the version id alone says what is earlier',
    "if (isEarlier && isLater) return 'disagree';",
    "if (id !== null && id !== 0) return id < 0 ? 'earlier' : 'later';",
  ),
  mutant(
    VERSION,
    'what was retracted comes back by being sent again',
    'last !== null && !retracted && isSameByAll(next, last) ? isReplaced : isSameByAll;',
    'isReplaced;',
  ),
  mutant(
    VERSION,
    'a correction under the same version is set aside',
    'last !== null && !retracted && isSameByAll(next, last) ? isReplaced : isSameByAll;',
    'isSameByAll;',
  ),
  mutant(
    VERSION,
    'what was corrected under the same version comes back',
    'isSameAge(next, one) && one.replaced.includes(next.digest)',
    'false',
  ),
  mutant(
    RECORD,
    'what is set aside leaves no age',
    'entry.seen = withAge(entry.seen, next);',
    'if (isInForce(placing)) entry.seen = withAge([], next);',
  ),
  mutant(
    RECORD,
    'the system is no part of an entry',
    'entryId(source, resource)',
    "entryId(source.split(':').slice(0, 3).join(':'), resource)",
  ),
  mutant(
    RECORD,
    'what says the same as the version in force replaces it',
    ' || (event.digest !== undefined && event.digest === entry.last?.digest)) return null;',
    ') return null;',
  ),
  // decide: decisions in force
  mutant(
    IN_FORCE,
    'a decision ends one instant late',
    '(provision.until === undefined || at < provision.until)',
    '(provision.until === undefined || at <= provision.until)',
  ),
  // decide: the policy
  mutant(
    PERMITS,
    'the kind of an organisation is not looked at',
    "if (kind === undefined ? rule.effect === 'permit' : !organisationKinds.includes(kind)) return false;",
    'if (kind === undefined) return false;',
  ),
  // evolve: notices, identities
  mutant(
    NOTICES,
    'a rule of another authority is silent too',
    'authority !== undefined && silent.includes(authority)',
    'authority !== undefined',
  ),
  mutant(
    IDENTITY,
    'the numbers taken over are not remembered',
    'if (!identity.absorbed.includes(event.key)) identity.absorbed.push(event.key);',
    '',
  ),
  mutant(
    IDENTITY,
    'a refusal is forgotten',
    'identity.decided.set(placeOfEvent(event.cause, event.coordinates), event.problems);',
    '',
  ),
  // dedupe and order
  mutant(
    SIFTING,
    'an event sent twice is accepted twice',
    'const known = record.accepted.get(key) ?? seen.get(key);',
    'const known = seen.get(key);',
  ),
  mutant(
    SIFTING,
    'an event twice in one batch is accepted twice',
    'const known = record.accepted.get(key) ?? seen.get(key);',
    'const known = record.accepted.get(key);',
  ),
  mutant(SIFTING, 'a redelivery is taken for a duplicate', 'sifted.redelivered = true;', ''),
  mutant(
    SIFTING,
    'something else under a known id is dropped',
    'if (isOther(known, message, digestSent(accepting))) sifted.refused',
    'if (record.revision < -1) sifted.refused',
  ),
  // the fence and the state remembered between events
  mutant(RECORDING, 'a fenced-off projector goes on from what it remembers', 'this.remembered.delete(key);', ''),
  // told and acknowledged too early, or not at all
  mutant(
    RECORDING,
    'what is refused is not kept',
    'if (outbox.quarantined.length > 0) await',
    'if (outbox.quarantined.length > 1) await',
  ),
  mutant(
    RECORDING,
    'a batch is acknowledged before it is done',
    'await afterAll([...work, merged], async () => {',
    'void afterAll([...work, merged], async () => {',
  ),
  mutant(
    DECISIONS,
    'a decision is acknowledged before it is done',
    'await afterAll(work, async () => {',
    'void afterAll(work, async () => {',
  ),
  mutant(
    CONCURRENCY,
    'what fails in part counts as done',
    "for (const result of results) if (result.status === 'rejected') throw result.reason;",
    '',
  ),
  // merges
  mutant(
    RECORDING,
    'a number that stands for itself again is not brought in line',
    'bringInLine(this.wiring, [...related])',
    'bringInLine(this.wiring, [...related].slice(0, 1))',
  ),
  mutant(
    MERGE,
    'a loop of merges is not looked for',
    '=== superseded) return refuse(wiring, merging, state, ...LOOP);',
    '=== superseded) return [];',
  ),
  mutant(
    MERGE,
    'two merges at once may close a loop',
    'if (await isInLoop(wiring, superseded)) {',
    'if (superseded === survivor) {',
  ),
  mutant(
    MERGE,
    'the survivor is not told of the number it took over',
    'if (absorbing.identity.absorbed.includes(superseded)) return;',
    'if (!absorbing.identity.absorbed.includes(superseded)) return;',
  ),
  mutant(MERGE, 'a merge may be decided otherwise later', 'if (decided !== undefined) return decided;', ''),
  mutant(
    WHO_IS_WHO,
    'who has recorded nothing merges, and says that somebody died',
    "return identifier === 'recorded' ? claim.hasRecorded : claim.isSameSource;",
    "return identifier === 'recorded' || claim.isSameSource;",
  ),
  mutant(
    WHO_IS_WHO,
    'who did not make a merge undoes it',
    "return identifier === 'recorded' ? claim.hasRecorded : claim.isSameSource;",
    "return identifier !== 'recorded' || claim.hasRecorded;",
  ),
  mutant(
    WHO_IS_WHO,
    'anybody is a demographics service',
    'return rules.demographics.includes(claim.organisation);',
    'return rules.demographics.length > 0;',
  ),
  mutant(
    WHO_IS_WHO,
    'a demographics service is anybody',
    'return rules.demographics.includes(claim.organisation);',
    'return rules.demographics.length === 0;',
  ),
  mutant(
    CLAIMS,
    'who merges need have recorded something about one of the numbers',
    'survivor === undefined ? [subject] : [subject, survivor]',
    '[subject]',
  ),
  mutant(DEATHS, 'a refused death may count when it comes again', 'if (before !== undefined) return before;', ''),
  mutant(
    MASKING,
    'what is masked is told in words',
    "if (isObject(changed['text']) && 'div' in changed['text']) delete changed['text'];",
    '',
  ),
  mutant(DEATH, 'a death is a version of its Patient', "patientId.replace(/\\/Patient\\/(?=[^/]*$)/, '/death/')", 'patientId'),
  mutant(
    RECORD,
    'a death is the organisation’s, whichever of its systems told it',
    'isOfDeath(type) ? deathIdOf(id) : id',
    "isOfDeath(type) ? deathIdOf(id).replace(/:[^/]*/, '') : id",
  ),
  mutant(
    DEATH,
    'a retraction takes back what others told',
    " && (event.takesBack === 'every-death' || organisation === event.organisation)",
    '',
  ),
  mutant(DEATH, 'a demographics service takes back its own word alone', "event.takesBack === 'every-death' || ", ''),
  mutant(GIVER, 'the dead permit', 'isAlive(decision, lifetime), ', ''),
  mutant(
    MERGED_DECIDING,
    'a denial is its own number’s alone',
    "(decision.status === 'active' && denies(decision.provision)) || ",
    '',
  ),
  mutant(
    NUMBERS,
    'another number’s denial is passed over',
    'if (other.permitted || other.decision === null) continue;',
    'continue;',
  ),
  mutant(
    NUMBERS,
    'of several numbers’ refusals the policy’s order is not looked at',
    ' || comesFirst(other, ruling, policy)',
    '',
  ),
  mutant(NUMBERS, 'what was permitted while merged is forgotten', 'alsoOf?.includes(key)', 'alsoOf?.includes(key) === null'),
  // where an entry lives
  mutant(
    HOMES,
    'what is said of an entry is of the number that is named',
    'if (holders.length > 0) return',
    'if (holders.length < 0) return',
  ),
  mutant(
    HOMES,
    'of several numbers that have an entry the first is meant, whichever is named',
    'holders.includes(named) ? named : (holders[0] as string)',
    'holders[0] as string',
  ),
  mutant(
    HOMES,
    'of an entry that two numbers have one is dropped',
    'entries.has(entry.id) ? markedId(entry.id, key) : entry.id',
    'entry.id',
  ),
  mutant(HOMES, 'an entry that two numbers have is of the first', 'homes.set(id, number);', 'homes.set(id, 0);'),
  mutant(
    HOMES,
    'an entry that is about to be there is nobody’s',
    'const home = record.claims.get(entry);',
    "const home = record.claims.get('');",
  ),
  mutant(
    AT_HOME,
    'an event is recorded where it lives each time it comes',
    'const known = accepted.get(key) ?? seen.get(key);',
    'const known = seen.get(key);',
  ),
  mutant(
    AT_HOME,
    'an event twice in one batch is recorded twice where it lives',
    'const known = accepted.get(key) ?? seen.get(key);',
    'const known = accepted.get(key);',
  ),
  mutant(SIFTING, 'an event that was sent under two numbers is two', 'before?.key ?? homeOf', 'homeOf'),
  mutant(
    RECORDING,
    'the surviving number’s record has no word of a merge',
    'await this.appendUnlessThere(survivor, { ...recorded(wiring, event, message), saidOf: key });',
    '',
  ),
  mutant(
    HOMES,
    'who is told of a person is given a number that gave way',
    'nhsNumber: survivor,',
    'nhsNumber: numbers.at(-1) ?? null,',
  ),
  mutant(
    HOMES,
    'a Patient of a number that gave way is linked to nobody',
    "homes.has(id) ? linkTo('replaced-by', survivor)",
    'homes.has(id) ? []',
  ),
  // readers
  mutant(
    READ,
    'an answer is kept although a decision came',
    'return heads.every(Boolean) && holdsAt(span, await momentNow(wiring));',
    'return heads.length >= 0 && holdsAt(span, await momentNow(wiring));',
  ),
  mutant(
    READ,
    'an answer is kept although its time is over',
    'return heads.every(Boolean) && holdsAt(span, await momentNow(wiring));',
    'return heads.every(Boolean);',
  ),
  // checkpoints, dates, policies
  mutant(
    BOUNDARIES,
    'a boundary is passed before anything is done',
    'await bringInLine(this.wiring, [key]);\n    boundary.side',
    'boundary.side',
  ),
  mutant(
    REPLAY,
    'a replay under another policy goes on where it stopped',
    'last?.policyVersion === policyVersion && (last.tellAll',
    'last !== null && (last.tellAll',
  ),
  mutant(
    REPLAY,
    'who tells everything goes on where one stopped that told of changes',
    ' && (last.tellAll || !tellAll) ? last.done',
    ' ? last.done',
  ),
  mutant(
    DECIDING,
    'clocks are taken to be nearer than they are',
    'CLOCKS_APART_MS = 50 * 3_600_000;',
    'CLOCKS_APART_MS = 2 * 3_600_000;',
  ),
  mutant(
    IN_FORCE,
    'only the latest that it may be is judged',
    'return [at.earliest, ...unsureIn(decisions, at)].reverse();',
    'return [unsureIn(decisions, at).at(-1) ?? at.earliest];',
  ),
  mutant(PATIENT_KEYS, 'a replay leaves the first patient out', 'if (seen <= skip) continue;', 'if (seen <= skip + 1) continue;'),
  mutant(
    POLICY,
    'a policy is said to be applied before it is',
    'for (const projection of wiring.projections) await',
    'for (const projection of wiring.projections.slice(1)) await',
  ),
  mutant(
    BOOK,
    'a newer policy is not looked for',
    'if (this.latest === null || this.latest.version !== head + 1) {',
    'if (this.latest === null) {',
  ),
  ...MUTANTS_OF_CLOCKS,
  ...MUTANTS_OF_DAMAGE,
  ...MUTANTS_OF_DECISIONS,
  ...MUTANTS_OF_DOCUMENTS,
  ...MUTANTS_OF_MOVES,
  ...MUTANTS_OF_RESTORES,
  ...MUTANTS_OF_STREAMS,
];
