import { mistakesIn, type Mutant } from './mutate.js';

const consent = (file: string) => `libs/domain/src/consent/${file}.ts`;
const processing = (file: string) => `libs/processing/src/${file}.ts`;

const coverage = mistakesIn(consent('coverage'));
const decision = mistakesIn(consent('decision'));
const limits = mistakesIn(consent('limits'));
const surroundings = mistakesIn(consent('surroundings'));
const facts = mistakesIn(consent('facts'));
const effect = mistakesIn(consent('effect'));
const giver = mistakesIn(consent('giver'));
const authorities = mistakesIn(consent('authorities'));
const inForce = mistakesIn(consent('in-force'));
const permits = mistakesIn(consent('permits'));
const vetting = mistakesIn(consent('vetting'));
const clinicalTime = mistakesIn('libs/domain/src/care-record/clinical-time.ts');
const fhirTime = mistakesIn('libs/domain/src/fhir-time.ts');
const record = mistakesIn('libs/domain/src/care-record/record.ts');
const entryNames = mistakesIn('libs/domain/src/care-record/entry-id.ts');
const applying = mistakesIn(processing('apply-decisions'));
const sifting = mistakesIn(processing('sift-decisions'));
const holders = mistakesIn(processing('consent-holders'));
const judges = mistakesIn(processing('judges'));
const boundaries = mistakesIn(processing('boundaries'));

/** Mistakes about what a decision says, whose it is, when it counts and what it reaches. */
export const MUTANTS_OF_DECISIONS: readonly Mutant[] = [
  // covers, does not cover, cannot tell
  coverage(
    'a denial does not cover what it cannot tell',
    "return coverage === 'covers' || (coverage === 'cannot-tell' && effect === 'deny');",
    "return coverage === 'covers' || effect === undefined;",
  ),
  coverage(
    'a permission covers what it cannot tell',
    "(coverage === 'cannot-tell' && effect === 'deny')",
    "(coverage === 'cannot-tell' && effect !== undefined)",
  ),
  coverage('of several limits one is enough', "if (parts.includes('does-not-cover')) return 'does-not-cover';", ''),
  coverage('of the members of a limit none is enough', "if (parts.includes('covers')) return 'covers';", ''),
  coverage(
    'a limit that cannot be told is passed over',
    "return parts.includes('cannot-tell') ? 'cannot-tell' : 'covers';",
    "return 'covers';",
  ),
  coverage(
    'a member that cannot be told is passed over',
    "return parts.includes('cannot-tell') ? 'cannot-tell' : 'does-not-cover';",
    "return 'does-not-cover';",
  ),
  // what a decision is
  decision(
    'a permission among exceptions is none',
    "(effect === 'permit' && !isUnread(limits)) || provisions.some(grants)",
    "(effect === 'permit' && !isUnread(limits))",
  ),
  decision('what is left of a permission lifts', ', liftsNothing: true };', ' };'),
  decision(
    'a permission that is limited by something unread counts as one',
    "(effect === 'permit' && !isUnread(limits))",
    "effect === 'permit'",
  ),
  decision(
    'a denial among exceptions is none',
    "return effect === 'deny' || provisions.some(denies);",
    "return effect === 'deny';",
  ),
  decision(
    'what is to permit nothing permits by its exceptions',
    'const provisions = provision.provisions.map(permittingNothing).filter(denies);',
    'const { provisions } = provision;',
  ),
  decision(
    'what is to permit nothing loses its denials',
    'provision.provisions.map(permittingNothing).filter(denies);',
    'provision.provisions.filter(() => false);',
  ),
  decision(
    'only exceptions of the first depth begin and end',
    'return [provision, ...provision.provisions.flatMap(allProvisions)];',
    'return [provision, ...provision.provisions];',
  ),
  decision(
    'a permission counts from later than its receipt',
    'earliest: Math.min(made.from, receivedAt),',
    'earliest: made.from,',
  ),
  decision(
    'a denial counts from later than its receipt',
    'Math.min(Math.max(made.from, made.until - 1), receivedAt)',
    'Math.max(made.from, made.until - 1)',
  ),
  decision(
    'a vague denial counts from its earliest instant',
    'Math.min(Math.max(made.from, made.until - 1), receivedAt)',
    'Math.min(made.from, receivedAt)',
  ),
  // limits
  limits('an entry that cannot be told is another one', "return hasUnread ? 'cannot-tell' : contains;", 'return contains;'),
  limits(
    'a further entry is thought to change nothing for others: reach',
    "(named.reach !== 'instance' || (effect === 'permit' && isBare(named.entry)))",
    "effect === 'permit' && isBare(named.entry)",
  ),
  limits('a decision covers the entry named alone', "if (reached.has(entry.id)) return 'covers';", ''),
  limits('a code in what an entry refers to is not looked for', ' || around.referredTo(entry).some(carries)', ''),
  limits(
    'a code that nobody knows covers nothing',
    "return wanted.isUnclear ? 'cannot-tell' : 'does-not-cover';",
    "return 'does-not-cover';",
  ),
  limits('codes that entries carry are not known', ' || around.hasCode(code)', ''),
  limits(
    'a permitted code is of any system',
    'hasAny(around.factsOf(entry).keys, wanted.keys)',
    'hasAny(around.spellingsIn(entry), wanted.spellings)',
  ),
  limits(
    'a denied code is of the system named alone',
    'hasAny(around.spellingsIn(one), wanted.spellings)',
    'hasAny(around.factsOf(one).keys, wanted.keys)',
  ),
  limits(
    'a kind of resource is taken for a code',
    "isResourceType(code) && (effect === 'deny'",
    "isResourceType(code) && system === '' && (effect === 'deny'",
  ),
  limits('an entry without a label is unrestricted', "[{ code: 'N' }]", "[{ code: 'U' }]"),
  limits('the lowest of several labels counts', 'Math.max(...(levels as number[]))', 'Math.min(...(levels as number[]))'),
  limits(
    'a date that lies partly within a period lies within',
    "return happened.from >= from && (last < until || until === Infinity) ? 'covers' : 'cannot-tell';",
    "return 'covers';",
  ),
  limits(
    'a permission names an entry however it is spelt',
    "effect === 'permit' && names.has(id)",
    'namesOfEntry(id).some((name) => names.has(name))',
  ),
  limits(
    'a denial names an entry as it is spelt alone',
    "(effect === 'deny' ? spelt(entry) : permittedName(entry, source))",
    "(effect === 'deny' ? entry : permittedName(entry, source))",
  ),
  limits(
    'a permission without a source means the only entry of its name',
    'if (!isBare(name) || !isOrganisations(source)) return name;',
    'if (name !== source) return name;',
  ),
  entryNames(
    'a denial of an organisation is none of its systems',
    '[spelt(id), spelt(withoutSystem(id)), withoutSource(id)]',
    '[spelt(id), withoutSource(id)]',
  ),
  limits(
    'a recorder who cannot be told is somebody else',
    "anyOf(organisations.map((ods) => (ods === null ? 'cannot-tell'",
    "anyOf(organisations.map((ods) => (ods === null ? 'does-not-cover'",
  ),
  limits('what cannot be read limits a denial', "unread: () => 'cannot-tell',", "unread: () => 'does-not-cover',"),
  limits(
    'a further entry is thought to change nothing for others: codes',
    "return limit.kind === 'codes' || limit.kind === 'classes' || limit.kind === 'labels';",
    "return limit.kind === 'labels';",
  ),
  limits("the locality's list of codes is not looked at", 'known.has(code.code) || around', 'around'),
  limits(
    'the order of labels is reversed',
    "covered(effect === 'deny' ? own >= level : own <= level)",
    "covered(effect === 'deny' ? own <= level : own >= level)",
  ),
  limits('a level of confidentiality covers itself alone', "effect === 'deny' ? own >= level : own <= level", 'own === level'),
  limits(
    'any label of such a code is a level of confidentiality',
    "if (effect === 'permit' && label.system !== undefined && !isOfConfidentiality(label)) return null;",
    '',
  ),
  limits(
    'an entry without a date lies outside every period',
    "if (happened === null) return 'cannot-tell';",
    "if (happened === null) return 'does-not-cover';",
  ),
  limits(
    'a permission opens every entry of a name that several have',
    "return around.entriesNamed(bare).length > 1 ? 'cannot-tell' : 'covers';",
    "return 'covers';",
  ),
  limits(
    'a permission reaches on from every entry of a name that several have',
    'return named.length === 1 ? named : [];',
    'return named;',
  ),
  limits(
    'a denied kind of resource is one of no other system',
    "(effect === 'deny' || system === undefined || system === RESOURCE_TYPES_SYSTEM)",
    '(system === undefined || system === RESOURCE_TYPES_SYSTEM)',
  ),
  limits(
    'a permitted kind of resource is one of any system',
    "(effect === 'deny' || system === undefined || system === RESOURCE_TYPES_SYSTEM)",
    '(effect !== undefined || system === RESOURCE_TYPES_SYSTEM)',
  ),
  limits(
    'a kind of resource with its system is a code',
    "(effect === 'deny' || system === undefined || system === RESOURCE_TYPES_SYSTEM)",
    "(effect === 'deny' || system === undefined)",
  ),
  limits('a level said elsewhere than in the label is not looked at', ', ...elsewhere].map(', '].map('),
  limits('a level that nobody knows is the least', 'return levels.includes(null) ? null : Math', 'return Math'),
  limits('what goes on lies within no period', '(last < until || until === Infinity)', 'last < until'),
  clinicalTime(
    'a period without an end is its start',
    'end === null ? Infinity : Math',
    'end === null ? (start?.until ?? Infinity) : Math',
  ),
  clinicalTime('a period goes on after its end', 'end === null ? Infinity : Math', 'end !== undefined ? Infinity : Math'),
  // the rest of the record
  surroundings(
    'a denial does not reach backwards',
    "if (effect === 'deny') for (const next of linked.get(entry) ?? []) found.add(next);",
    '',
  ),
  surroundings('a denial reaches one step', 'for (const entry of found) {', 'for (const entry of named) {'),
  surroundings('what else names a withheld entry is left', "effect === 'deny' ? [...found]", 'effect === undefined ? [...found]'),
  surroundings('a permission reaches as far as a denial', "if (effect === 'deny') for (const next", 'for (const next'),
  surroundings('everything hangs on its patient', "all.filter(({ resourceType }) => resourceType !== 'Patient')", 'all'),
  facts(
    'an address means the entries of every organisation',
    "name.includes('|') && !name.startsWith('|') ? name : `${source} ${name}`",
    "source === '' ? '' : name",
  ),
  facts(
    'what a resource contains is not looked into',
    'for (const [member, below] of Object.entries(value)) walk(below, member, facts);',
    "for (const [member, below] of Object.entries(value)) if (member !== 'contained') walk(below, member, facts);",
  ),
  facts(
    'extensions are not looked into',
    'for (const [member, below] of Object.entries(value)) walk(below, member, facts);',
    "for (const [member, below] of Object.entries(value)) if (member !== 'extension') walk(below, member, facts);",
  ),
  facts(
    'a code by itself is none',
    "facts.codes.push(...codingsOf(value), ...codingsOf({ code: value['valueCode'] }));",
    'facts.codes.push(...codingsOf(value));',
  ),
  facts('a reference to a version names nothing', '(?:\\/_history\\/[^/]*)?$/', '$/'),
  facts(
    'a reference by an identifier alone names nothing',
    "typeof value['type'] === 'string' || isLogical(value)",
    "typeof value['type'] === 'string'",
  ),
  facts('a reference by uuid names nothing', 'return uuid ?? /', 'return /'),
  facts('a reference by a search names nothing', 'if (searched !== undefined) return decoded(searched);', ''),
  // what a decision says of an entry
  effect(
    'a nested denial counts only where the base covers',
    "  if (exceptions.includes('deny')) return 'deny';\n  const coverage = coverageIn(provision, entry, judging, made);\n  if (!takesEffect(provision.effect, coverage)) return null;\n",
    "  const coverage = coverageIn(provision, entry, judging, made);\n  if (!takesEffect(provision.effect, coverage)) return null;\n  if (exceptions.includes('deny')) return 'deny';\n",
  ),
  effect('an exception does not count', "return coverage === 'covers' ? 'permit' : null;", "return 'deny';"),
  effect(
    'an exception counts where the provision around it cannot be told',
    "return coverage === 'covers' ? 'permit' : null;",
    "return 'permit';",
  ),
  effect('a denial counts where it does not cover', 'if (!takesEffect(provision.effect, coverage)) return null;', ''),
  effect('nobody asks who gave a permission', "return made.mayPermit() ? 'permit' : null;", "return 'permit';"),
  effect('a part counts outside its period', ' || !isWithin(span, at)) return', ') return'),
  effect(
    'an organisation opens the entries of others',
    '(own === null || entry.organisation === own) && takesEffect',
    'takesEffect',
  ),
  giver(
    'who is of unknown age permits',
    "return decision.recorder.as === 'governance' ? 'covers' : 'cannot-tell';",
    "return 'covers';",
  ),
  giver(
    'governance does not vouch for an age',
    "return decision.recorder.as === 'governance' ? 'covers' : 'cannot-tell';",
    "return 'cannot-tell';",
  ),
  giver('of several birth dates the first counts', 'births.map((birthDate)', 'births.slice(0, 1).map((birthDate)'),
  giver(
    'a vague birth date means its first day',
    "return isWholeDay || at >= reached.until - 1 ? 'covers' : 'cannot-tell';",
    "return isWholeDay || at >= reached.from ? 'covers' : 'cannot-tell';",
  ),
  giver("the locality's age does not count", 'policy.ages?.own ?? OWN_AGE_YEARS', 'OWN_AGE_YEARS'),
  // who may
  giver(
    'a child permits',
    "if (decision.decidedBy !== 'patient') return 'covers';",
    "if (decision.decidedBy !== undefined) return 'covers';",
  ),
  giver('a permission that must name its giver needs not', "if (lacksGiver(decision, policy)) return 'does-not-cover';", ''),
  authorities('an organisation without a code opens everything', "(recorder.organisation ?? '')", 'recorder.organisation'),
  authorities('anybody lifts', 'isAmong(newer.recorder, others, policy) || (', 'others.length >= 0 || ('),
  authorities(
    'any organisation is the same source',
    'one.organisation !== null && one.organisation === other.organisation',
    'true',
  ),
  authorities(
    'nobody lifts what they recorded themselves',
    "(liftedBy.includes('same-source') && isSameSource(newer.recorder, older.recorder))",
    "(liftedBy.includes('same-source') && newer.recorder === older.recorder)",
  ),
  authorities(
    "the locality's rules about authorities are not looked at",
    'policy.authorities ?? DEFAULT_AUTHORITIES;',
    'policy.name === undefined ? (policy.authorities ?? DEFAULT_AUTHORITIES) : DEFAULT_AUTHORITIES;',
  ),
  authorities('who may deny is not told from who may permit', 'denialRecordedBy ?? recordedBy', 'recordedBy'),
  authorities(
    'who names no organisation is one of those that record entries',
    "if (as !== 'organisation' || organisation === null) return maker === as;",
    "if (as !== 'organisation') return maker === as;",
  ),
  authorities(
    'nobody is thought able to lift what is their own',
    "if (maker === 'entry-organisation' || maker === 'same-source') return true;",
    "if (maker === 'entry-organisation') return true;",
  ),
  authorities(
    'who is no organisation opens only what is their own',
    "return recorder.as === 'organisation' && !isAmong",
    'return !isAmong',
  ),
  // in force
  inForce('what lifts nothing lifts', 'newer.liftsNothing === true || newer.unread', 'newer.unread'),
  inForce(
    'a permission that is not for its giver to give lifts',
    "(mayPermit(newer) && !(effect === 'deny'",
    "(newer !== undefined && !(effect === 'deny'",
  ),
  inForce(
    'a denial of something unclear lifts by its exceptions',
    "(mayPermit(newer) && !(effect === 'deny' && limits.some(isUnclear)))",
    'mayPermit(newer)',
  ),
  inForce(
    'a permission that is not for its giver to give replaces one that is',
    'return lifting.mayPermit(newer) && (opens === null',
    'return (opens === null',
  ),
  inForce(
    'a denial that only its maker may lift hides from what may',
    'const kind = `${sourceOf(decision)} ${mayEndDenials(decision, lifting)} $',
    'const kind = `${sourceOf(decision)} $',
  ),
  inForce(
    'the latest version hides those of other authorities',
    'const kind = `${older.authority} ${sourceOf(older)} $',
    'const kind = `${sourceOf(older)} $',
  ),
  inForce(
    'the latest version hides those of other recorders',
    'const kind = `${older.authority} ${sourceOf(older)} $',
    'const kind = `${older.authority} $',
  ),
  inForce(
    'the latest version hides those that lift where it does not',
    '${sourceOf(older)} ${mayEndDenials(older, lifting)}`;',
    '${sourceOf(older)}`;',
  ),
  inForce(
    'what could not be read is of the scope of what could',
    'decision.authority, decision.unread === true, ',
    'decision.authority, ',
  ),
  inForce(
    'the order of the members of a limit makes another scope',
    '.map((one) => canonicalJson(one)).sort()',
    '.map((one) => canonicalJson(one))',
  ),
  inForce(
    'a limit of which a member is unclear is a scope of its own',
    "return limit.kind === 'unread' || Object.values(limit).some((value: unknown) => Array.isArray(value) && value.includes(null));",
    "return limit.kind === 'unread';",
  ),
  inForce('a span has always begun', 'since = Math.max(since ?? boundary, boundary);', 'since = null;'),
  inForce('of one message each authority ends the one before', '(one) => one.id !== older.id &&', '(one) => one !== older &&'),
  inForce(
    'versions count in the order of their arrival',
    'return ordered.map(({ version }) => version);',
    'return [...versions];',
  ),
  inForce(
    'versions say nothing of their date',
    'const age = { versionId, lastUpdated };',
    'const age = { versionId, lastUpdated: null };',
  ),
  decision(
    'a version counts from later than its receipt',
    'return lastUpdated === undefined || lastUpdated > receivedAt ? rest : version;',
    'return lastUpdated === undefined ? rest : version;',
  ),
  inForce(
    'an objection dated ahead of its receipt is of no date',
    'return version?.lastUpdated !== undefined && isObjection ? receivedAt : null;',
    'return version?.lastUpdated !== undefined && isObjection && receivedAt < 0 ? receivedAt : null;',
  ),
  inForce('a withdrawal is asked what it would permit', "if (newer.status === 'withdrawn') return true;", ''),
  inForce(
    'a later version under another authority lifts a denial',
    'return newer.authority === older.authority && mayEndDenials',
    'return mayEndDenials',
  ),
  inForce(
    'a later version lifts a denial whoever says so',
    'return newer.authority === older.authority && mayEndDenials(newer, lifting) && mayLift(newer, older, lifting.policy);',
    'return newer.authority === older.authority && mayEndDenials(newer, lifting);',
  ),
  inForce('a permission outlives a later version', 'if (!denies(older.provision)) return true;', ''),
  inForce(
    'a permission of another source lifts',
    'if (denies(older.provision)) return mayEndDenials(newer, lifting) && mayLift(newer, older, lifting.policy);',
    'if (denies(older.provision)) return mayEndDenials(newer, lifting);',
  ),
  inForce(
    'a permission that opens less replaces one that opens more',
    'return lifting.mayPermit(newer) && (opens === null || opens === opensOnly(older, lifting.policy));',
    'return lifting.mayPermit(newer);',
  ),
  inForce('what an organisation permits of its own hides what it denied before', ' ${grants(decision.provision)}`', '`'),
  inForce('a mended message closes still', 'const standing = withoutMended(decisions);', 'const standing = decisions;'),
  inForce('what says which place it mends does not mend it', ' || mended.has(consentId)', ''),
  inForce('the same event mends nothing', '(mended.has(`${source} ${id}`) || mended.has(consentId))', 'mended.has(consentId)'),
  inForce(
    'a decision concerns what its first provision is about alone',
    'return allProvisions(provision).some((one) => one.purposes',
    'return [provision].some((one) => one.purposes',
  ),
  inForce('a withdrawn decision stands', "decision.status === 'active' && !replacedBy", '!replacedBy'),
  inForce('a withdrawal takes nothing away', "status === 'withdrawn' || from <= at;", "status === 'active' && from <= at;"),
  inForce('a version replaces before it begins', "status === 'withdrawn' || from <= at;", 'status !== undefined || from <= at;'),
  inForce(
    'a decision replaces for purposes that it is not about',
    'if (!decision.provision.purposes.includes(purpose) || !isWithin(decision.provision, at)) continue;',
    'if (!isWithin(decision.provision, at)) continue;',
  ),
  inForce(
    'a decision replaces outside its period',
    'if (!decision.provision.purposes.includes(purpose) || !isWithin(decision.provision, at)) continue;',
    'if (!decision.provision.purposes.includes(purpose)) continue;',
  ),
  inForce(
    'only the latest of all sources replaces',
    "const sourceOf = ({ recorder }: Decision): string => `${recorder.as} ${recorder.organisation ?? ''}`;",
    'const sourceOf = ({ recorder }: Decision): string => `${recorder.as === undefined}`;',
  ),
  inForce(
    'decisions count in the order of their arrival',
    'return asDenial ? [latest, 1, arrival] : [earliest, 0, arrival];',
    'return asDenial ? [0 * latest, 1, arrival] : [0 * earliest, 0, arrival];',
  ),
  inForce(
    'of equals the permission is the later',
    'return asDenial ? [latest, 1, arrival] : [earliest, 0, arrival];',
    'return asDenial ? [latest, 0, arrival] : [earliest, 1, arrival];',
  ),
  inForce(
    'of equals the one that came last is the later',
    'return asDenial ? [latest, 1, arrival] : [earliest, 0, arrival];',
    'return [asDenial ? latest : earliest, arrival, 0];',
  ),
  inForce(
    'a permission counts from its latest instant',
    'return asDenial ? [latest, 1, arrival] : [earliest, 0, arrival];',
    'return asDenial ? [latest, 1, arrival] : [latest, 0, arrival];',
  ),
  inForce(
    'what denies by an exception is replaced as a permission is',
    'const rank = rankOf(older, arrival, denies(older.provision));',
    'const rank = rankOf(older, arrival, !grants(older.provision));',
  ),
  inForce(
    'what permits by an exception replaces as a denial does',
    'rank: rankOf(decision, arrival, !grants(decision.provision))',
    'rank: rankOf(decision, arrival, denies(decision.provision))',
  ),
  inForce(
    'what cannot be read gives a denial a scope of its own',
    "const read = effect === 'deny' ? limits.filter((limit) => !isUnclear(limit)) : limits;",
    'const read = effect === undefined ? [] : limits;',
  ),
  inForce('a scope leaves limits out', 'decision.unread === true, read.map(textOfLimit).sort()]', 'decision.unread === true]'),
  inForce('a scope leaves the authority out', 'JSON.stringify([decision.authority, decision', 'JSON.stringify([decision'),
  inForce('the order of limits makes another scope', 'read.map(textOfLimit).sort()', 'read.map(textOfLimit)'),
  inForce('a span never ends', 'else if (boundary > at.latest) until = Math.min(until ?? boundary, boundary);', ''),
  inForce(
    'boundaries of exceptions are not looked for',
    'allProvisions(provision).flatMap(({ from, until }) => [from, until].filter(',
    '[provision].flatMap(({ from, until }) => [from, until].filter(',
  ),
  // the policy
  permits(
    'a permit outweighs a deny',
    "if (effect === 'deny') return wanted === 'deny' ? decision : null;",
    "if (effect === 'deny' && wanted === 'deny') return decision;",
  ),
  permits(
    'a decision of any authority is ground for a rule',
    'read.get(rule.authority as Authority) ?? []',
    '[...read.values()].flat()',
  ),
  permits(
    'a message that cannot be read never closes',
    'if (closing !== undefined) return { ...UNREAD, decision: closing };',
    '',
  ),
  permits(
    "codes of the policy's own rules are not known",
    '...codes, ...rules.flatMap(({ when }) => when.codes ?? [])',
    '...codes',
  ),
  // when
  fhirTime('a day is one of UTC', 'return year < 1916 ? utc : utc - londonOffset(utc);', 'return utc;'),
  fhirTime('a month is its first day', ': londonMidnight(year, month + 1, 1) };', ': londonMidnight(year, month, 2) };'),
  fhirTime('a year is its first month', 'londonMidnight(year + 1, 1, 1)', 'londonMidnight(year, 2, 1)'),
  record(
    'a birth date outlives its retraction',
    'entry.birthDate = retracted ? null : birthDateOf(event.resource);',
    'entry.birthDate = birthDateOf(event.resource) ?? entry.birthDate;',
  ),
  // vetting
  vetting(
    'a denial takes along a permission that may not be made',
    '[forbidden === null ? decision : onlyDenying(decision)]',
    '[decision]',
  ),
  vetting(
    'a withdrawal is vetted as what it withdraws',
    "if (status === 'withdrawn') return [decision];",
    'if (status === undefined) return [decision];',
  ),
  vetting('anybody makes a denial', "if (!mayMake(recorder, authority, 'deny', policy)) {", 'if (policy.name === undefined) {'),
  vetting(
    'anybody makes a permission',
    "if (!mayMake(recorder, authority, 'permit', policy)) {",
    'if (policy.name === undefined) {',
  ),
  vetting('who cannot lift permits', 'if (!mayLiftAny(recorder, authority, policy)) {', 'if (policy.name === undefined) {'),
  vetting('nobody needs a giver', 'if (!lacksGiver(decision, policy)) return null;', 'if (decision !== undefined) return null;'),
  vetting(
    'a permission that may not be made is',
    'if (!denies(provision)) return forbidden === null ? [decision] : [];',
    'if (!denies(provision)) return [decision];',
  ),
  // what becomes of a message
  sifting(
    'another decision under a known id closes nothing',
    'return { chosen: isKnown ? [] : chosen, problems: [CONFLICT], isKnown, closes: chosen.length > 0 };',
    'return { chosen: [], problems: [CONFLICT], isKnown, closes: false };',
  ),
  sifting(
    'a message refused is a conflict when it comes again',
    'if (isBehind(one.place, message)) return { chosen: [], problems: [CONFLICT], isKnown: true, closes: false };',
    '',
  ),
  sifting(
    'a redelivered decision is taken for a duplicate',
    'return { chosen, problems: arrival.problems, isKnown: true, closes: !isRead };',
    'return { chosen, problems: arrival.problems, isKnown: false, closes: !isRead };',
  ),
  sifting(
    'a decision sent twice is recorded twice',
    'if (one.decisions.some(({ digest }) => digest === first.digest)) return NOTHING;',
    'if (one.decisions.some(({ digest }) => digest === first.digest)) return { ...NOTHING, chosen: decisions };',
  ),
  sifting('a decision twice in one batch is recorded twice', 'know(known, decision, message);\n      fresh', 'fresh'),
  sifting(
    'another decision under a known id is dropped',
    'return conflict(allowed.decisions, message, known);',
    'return NOTHING;',
  ),
  sifting(
    'another decision under a known id permits',
    'const provision = permittingNothing(decision.provision);',
    'const { provision } = decision;',
  ),
  sifting('another decision under a known id is taken for it', 'provision, unread: true };', 'provision };'),
  sifting(
    'a redelivery records what was refused',
    'allowed.decisions.filter(({ authority }) =>',
    'decisions.filter(({ authority }) =>',
  ),
  sifting(
    'nobody vets',
    'isRead && !event.isVetted ? vetted(decisions, policy)',
    'isRead && !event.isVetted ? { decisions, problems: vetted([], policy).problems }',
  ),
  applying('a message that cannot be read closes nothing', 'if (!reading.ok && reading.unread === null) {', 'if (!reading.ok) {'),
  sifting('two messages that cannot be read are one', '`unread ${consentId}` :', '`unread ${source} ${id}` :'),
  // Consents that go on to another person
  holders(
    'whom a Consent was about is not asked',
    '=> consentId !== id && unread !== true;',
    '=> consentId === id && unread === false;',
  ),
  applying('an overtaken version permits', '? onlyDenying(decision) : decision;', '? { ...decision } : decision;'),
  holders(
    'whom a Consent is about is noted by arrival',
    'others.some((other) => isEarlier(decision, other))',
    'others.length === 0',
  ),
  holders(
    'a Consent that goes on takes its denials along',
    'decision: ending({ ...one, id, version, receivedAt, digest, recorder }),',
    "decision: { ...one, id, version, receivedAt, digest, recorder, status: 'withdrawn' as const },",
  ),
  holders(
    'whom a Consent takes something away from is not brought in line',
    'held)) || !isNew) await bringInLine(wiring, [other]);',
    'held)) || !isNew) continue;',
  ),
  holders(
    'what is recorded at the same time is not seen',
    'for (const other of others) await end(wiring, key, decision, other);',
    'for (const other of others) if (other.id === decision.id) await end(wiring, key, decision, other);',
  ),
  holders(
    'only the last version of a Consent is looked at',
    'isOnlyAbout(last, key) ? [last].filter((one) => one !== null) : await versionsIn(wiring, stream)',
    'isOnlyAbout(last, key) || last.key !== key ? [last].filter((one) => one !== null) : await versionsIn(wiring, stream)',
  ),
  holders(
    'a Consent that was elsewhere is taken for one that never was',
    'key === wanted && before === undefined;',
    'key === wanted && before !== wanted;',
  ),
  holders('what a Consent permits here later ends when it was elsewhere before', ' && !isEarlier(held, one),', ','),
  holders(
    'what is recorded while a Consent is taken away is not taken',
    'place > (lastEnded.get(one.authority) ?? -1)',
    '!lastEnded.has(one.authority)',
  ),
  holders(
    'whom a Consent was taken from is not brought in line again',
    'decision, own))) || again) await',
    'decision, own)))) await',
  ),
  // the rest of the record, once more
  judges(
    'a further entry is thought to change nothing where exceptions look around',
    'allProvisions(provision).some(({ limits, effect })',
    '[provision].some(({ limits, effect })',
  ),
  judges('who may permit is not asked again when a birth date comes', "if (resourceTypes.includes('Patient')) return true;", ''),
  judges('what is retracted is looked at still', 'if (!entry.retracted && isHere(entry)) yield entry;', 'yield entry;'),
  boundaries(
    'boundaries are not set',
    '.filter((at) => at !== undefined && at > first),',
    '.filter((at) => at !== undefined && at > first && at < 0),',
  ),
  boundaries(
    'boundaries of exceptions are not set',
    '.flatMap(({ provision }) => allProvisions(provision))',
    '.flatMap(({ provision }) => allProvisions(provision).slice(0, 1))',
  ),
];
