import { mistakesIn, type Mutant } from './mutate.js';

const domain = (file: string) => `libs/domain/src/${file}.ts`;
const processing = (file: string) => `libs/processing/src/${file}.ts`;

const view = mistakesIn(domain('views/view'));
const letters = mistakesIn(domain('views/letters'));
const folding = mistakesIn(processing('number'));
const person = mistakesIn(processing('person'));
const appending = mistakesIn(processing('append'));
const deciding = mistakesIn(processing('decide-views'));
const deriving = mistakesIn(processing('derive-views'));
const touched = mistakesIn(processing('touched'));
const judges = mistakesIn(processing('judges'));
const recording = mistakesIn(processing('record-care-events'));
const recordingDecisions = mistakesIn(processing('record-decisions'));
const applying = mistakesIn(processing('apply-decisions'));
const merging = mistakesIn(processing('merge-numbers'));
const deaths = mistakesIn(processing('judge-death'));
const telling = mistakesIn(processing('changes-of'));
const publishing = mistakesIn(processing('publisher'));
const reading = mistakesIn(processing('read-record'));
const replaying = mistakesIn(processing('replay-views'));
const looking = mistakesIn(processing('lane-ends'));
const readingInOrder = mistakesIn(processing('read-in-order'));
const awaiting = mistakesIn(processing('awaiting'));

/** How an effect is cut, which no effect of a small region is by itself. */
const IN_PARTS = `  if (JSON.stringify(effect).length <= EFFECT_MAX) return [effect];
  const none = Object.fromEntries(Object.keys(effect.views).map((name) => [name, {}]));
  const parts: Effect[] = [];
  for (const [name, changes] of Object.entries(effect.views)) {
    for (const [transition, entries] of Object.entries(changes)) {
      for (let first = 0; first < entries.length; first += IDS_A_PART)
        parts.push({ views: { ...none, [name]: { [transition]: entries.slice(first, first + IDS_A_PART) } } });
    }
  }
  return [...parts, { ...effect, views: none }];`;

/** Mistakes about numbers' streams, what their events change in the views, and what is published of them. */
/** The moment, as if it were still within what a view holds for. */
function notAfter(view: string): string {
  const last = `(${view}.basis?.span.until ?? Infinity) - 1`;
  return `{ earliest: Math.min(now.earliest, ${last}), latest: Math.min(now.latest, ${last}) }`;
}

export const MUTANTS_OF_STREAMS: readonly Mutant[] = [
  // the letters of entries
  letters('a retracted entry is there to be seen', 'return !entry.retracted && isHere', 'return isHere'),
  letters('a document that another replaced is seen', 'replacedBy === undefined && projection', 'projection'),
  letters('what is held back is not counted', "return isSeen ? 'w' : 'x';", "return isSeen ? undefined : 'x';"),
  letters(
    'what is held back without a sign is counted as with one',
    "if (silent.has(rule)) return isSeen ? 'u' : 'y';",
    "if (silent.has(rule)) return isSeen ? 'w' : 'x';",
  ),
  letters(
    'what a purpose does not look at is named however it is refused',
    "return isSeen ? 'w' : 'x';",
    "return isSeen ? 'w' : undefined;",
  ),
  letters(
    'what a purpose does not look at is named however it is refused without a sign',
    "return isSeen ? 'u' : 'y';",
    "return isSeen ? 'u' : undefined;",
  ),
  letters('what names a withheld entry is told as it is', "letter === 'm' ? masked(entry) : entry", 'entry'),
  letters(
    'a decision leaves what names its entries as it is',
    "if (letter === 'i' && refused.masked(entry) !== entry) letters.set(id, 'm');",
    '',
  ),
  // what an event changes in a view
  view(
    'what is withdrawn stays in the view',
    "if (is === '-') letters.delete(id);\n      else letters",
    "if (is !== '-') letters",
  ),
  view('what is withdrawn is not noted', "for (const [id, was] of before) if (!after.has(id)) note(was, '-', id);", ''),
  view('what is amended is not told', 'if (!was && !isIncluded(', 'if (was === isIncluded('),
  view('of a range the last entry is left out', 'place <= one[1]', 'place < one[1]'),
  view('a range takes in what lies between', 'last[1] === place - 1', 'last[1] >= place - 2'),
  view(
    'a view that an effect does not name is in line still',
    'for (const [name, view] of views) if (effect?.views[name] === undefined) view.isInLine = false;',
    'for (const view of views.values()) if (effect === null) view.isInLine = false;',
  ),
  // a number's stream, folded
  folding('an event without its effect leaves views in line', 'if (!BRINGS_NOTHING.has(type)) outdateViews(views, effect);', ''),
  folding(
    'a decision is thought to bring nothing',
    'const BRINGS_NOTHING: ReadonlySet<string> = new Set([\n',
    "const BRINGS_NOTHING: ReadonlySet<string> = new Set([\n  'decision-recorded-2',\n",
  ),
  folding(
    'a care event is thought to bring nothing',
    'const BRINGS_NOTHING: ReadonlySet<string> = new Set([\n',
    "const BRINGS_NOTHING: ReadonlySet<string> = new Set([\n  'care-event-recorded-1',\n",
  ),
  folding(
    'a view is thought to know one event more than it does',
    'foldEffect(state, stored.type, effectIn(stored), stored.revision);',
    'foldEffect(state, stored.type, effectIn(stored), stored.revision + 1);',
  ),
  folding('decisions are folded last come first', 'state.decisions.push(event);', 'state.decisions.unshift(event);'),
  folding('merges are not folded', 'evolveIdentity(state.identity, event);', ''),
  folding(
    'a merge does not say which numbers it is about',
    "if ('ownNhsNumber' in event) record.nhsNumber ??= event.ownNhsNumber;",
    '',
  ),
  folding(
    'a refused death is remembered as accepted',
    'placeOfEvent(event.cause, event.coordinates), event.problems)',
    'placeOfEvent(event.cause, event.coordinates), [])',
  ),
  folding(
    'a number that is remembered is shared with whoever folds on',
    'if (state !== known && state.revision >= MANY_EVENTS && !inPassing) numbers?.keep(asShared(state));',
    'if (state !== known) numbers?.keep(state);',
  ),
  // a person's numbers
  person(
    'a number that stands for itself again is one with the other still',
    'if (state.identity.supersededBy?.key === survivor.key) members',
    'members',
  ),
  person(
    'numbers of a number that gave way are left out',
    'members.push(...(await this.membersOf(state, passed)));',
    'members.push(state);',
  ),
  person(
    'a merge that comes while the others are read is passed over',
    'let members = await look();\n',
    'let members = await look();\n  if (members.length > 0) return members;\n',
  ),
  person(
    'a merge counts before it is made',
    'return members.some(({ key }) => key === own.key) ? members : [own];',
    'return members;',
  ),
  person(
    'a loop of merges is cut while it stands',
    '(this.past && passed.has(supersededBy.key))',
    'passed.has(supersededBy.key)',
  ),
  person(
    'decisions of a merged number are left out',
    '...decidedAbout(members, homes) };',
    '...decidedAbout(members.map((one, place) => (place === 0 ? one : { ...one, decisions: [] })), homes) };',
  ),
  person(
    'a merged number is brought in line without those it was one with',
    'for (const other of identity.related) found.add(other);',
    '',
  ),
  // appends
  appending(
    'who is fenced off thinks it has written',
    'if (error instanceof WrongExpectedRevision) return null;',
    'if (error instanceof WrongExpectedRevision) return true as T;',
  ),
  appending(
    'an append does not look whether somebody else wrote first',
    'await store.append(stream, state.revision, linked.events);',
    'await store.append(stream, await store.head(stream), linked.events);',
  ),
  appending(
    'an effect stands beside the first of its events',
    'effect: event === last ? effect : null }));',
    'effect: event === events[0] ? effect : null }));',
  ),
  appending(
    'an effect that does not fit beside its event is left out',
    'if (last !== undefined && fitsBeside(last, effect))\n    return events.map((event) => ({ event, effect: event === last ? effect : null }));',
    'if (last !== undefined)\n    return events.map((event) => ({ event, effect: event === last && fitsBeside(last, effect) ? effect : null }));',
  ),
  appending(
    'what is derived anew never says that it is the whole',
    'if (JSON.stringify(effect).length <= EFFECT_MAX) return [effect];',
    'if (JSON.stringify(effect).length <= EFFECT_MAX) return [{ views: effect.views }];',
  ),
  appending(
    'a part of what is derived anew is lost',
    IN_PARTS,
    IN_PARTS.replace('if (JSON.stringify(effect).length <= EFFECT_MAX) return [effect];', '').replace(
      '...parts,',
      '...parts.slice(1),',
    ),
  ),
  appending(
    'every part of what is derived anew says that it is the whole',
    IN_PARTS,
    IN_PARTS.replace('if (JSON.stringify(effect).length <= EFFECT_MAX) return [effect];', '').replace(
      'parts.push({ views: ',
      'parts.push({ basis: effect.basis, views: ',
    ),
  ),
  appending(
    'what an append changes in the views is not remembered',
    'for (const [index, { event, effect }] of events.entries()) foldEffect(state, event.type, effect, first + index);',
    '',
  ),
  // which views are believed
  deciding('views may be out of step', 'if (!isInLine || basis', 'if (basis'),
  deciding('a view of another policy is believed', 'return basis.policyVersion === version && holdsAt', 'return holdsAt'),
  deciding('a view is believed out of its span', ' && holdsAt(basis.span, momentOf({ members }, now))', ''),
  deciding('a view of other numbers, or of other events of them, is believed', ' && isOfThese(basis, members, true);', ';'),
  deciding(
    'a view is believed whatever the person’s other numbers wrote',
    'isOfThese(basis, members, true);\n}',
    'isOfThese(basis, members, false);\n}',
  ),
  deciding('a view of fewer numbers is believed', 'if (others.length !== members.length - 1) return false;', ''),
  deciding(
    'a view is believed of other numbers, as many and as old',
    'return member.key === key && (',
    'return member !== undefined && key !== undefined && (',
  ),
  // what is to stand for views to be what was decided
  deciding('what rests on other numbers keeps its old basis', ' || isOfOthers || ', ' || '),
  deciding(
    'what other numbers wrote leaves the basis as it was',
    'const isOfOthers = view.basis !== null && !isOfThese(view.basis, person.members, true);',
    'const isOfOthers = view.basis !== null && !isOfThese(view.basis, person.members, false);',
  ),
  deciding('a view that is not in line is left as it is', ' || (!view.isInLine && survivor.revision >= 0);', ';'),
  deciding('who the person is now is not told with every entry', 'isOtherPerson || isChanged(id) || ', 'isChanged(id) || '),
  deciding('an entry that changed is not told', 'isOtherPerson || isChanged(id) || ', 'isOtherPerson || '),
  deciding('what is masked otherwise is not told', " || (isMaskedAnew && after.get(id) === 'm')", ''),
  deciding(
    'what is refused no more masks as before',
    'for (const [id, letter] of before) if (refusalIn(letter) !== refusalIn(after.get(id))) return true;',
    '',
  ),
  deciding('what is refused newly masks nothing else', 'if (refusal !== refusalIn(before.get(id)) || (refusal', 'if ((refusal'),
  deciding(
    'what is refused, and has another name now, masks as before',
    ' || (refusal !== undefined && isChanged(id))) return true;',
    ') return true;',
  ),
  deciding(
    'what another number changed is looked for behind the surviving number’s events',
    '(index === 0 ? revision : (known.get(key) ?? -1))',
    'revision',
  ),
  deciding('entries of a number that came new are thought known', '(known.get(key) ?? -1)', '(known.get(key) ?? Infinity)'),
  deciding(
    'an entry of another number is named by its place there',
    '(id) => (person.homes.has(id) ? null : (entries.get(id)?.place ?? null))',
    '(id) => entries.get(id)?.place ?? null',
  ),
  deciding('a number that gave way is not emptied', 'isNeeded ||= letters.size > 0 || basis?.isMoved !== true;', ''),
  deciding(
    'of a number that gave way entries of others stay',
    'views[name] = changesBetween(\n      letters,',
    'views[name] = changesBetween(\n      new Map([...letters].filter(([id]) => state.record.entries.has(id))),',
  ),
  deciding('a view that was emptied is thought to be one', 'basis: MOVED }', 'basis: { ...MOVED, isMoved: undefined } }'),
  deciding(
    'a basis names no other number',
    'const others = members.slice(1).map(({ key, revision }) => [key, revision] as const);',
    'const others: readonly (readonly [string, number])[] = [];',
  ),
  deciding(
    'a basis names other numbers as they will be',
    '[key, revision] as const);\n  return',
    '[key, revision + 1] as const);\n  return',
  ),
  // views that are derived anew
  deriving(
    'letters decided once are appended behind whatever came',
    'for (;;) {\n    const state = await loadNumber(wiring.store, key);\n    const needed = await effectFor(wiring, state, projections);',
    'let needed: Needed | undefined;\n  for (;;) {\n    const state = await loadNumber(wiring.store, key);\n    needed ??= await effectFor(wiring, state, projections);',
  ),
  deriving('who is fenced off leaves the views as they are', '.then(() => true))) ?? false;', '.then(() => true))) ?? true;'),
  deriving(
    'who tells everything tells changes alone',
    'tellAll ? tellingAll(state, needed, projections, [...ever]) : needed;',
    'needed;',
  ),
  deriving(
    'who tells everything leaves out what a view includes as before',
    "for (const [id, letter] of letters) add(`${isIncluded(letter) ? letter : 'i'}${letter}`, id);",
    '',
  ),
  deriving(
    'what another version told stays told',
    'if (other === name || purposeOfView(other) !== purpose) continue;',
    'if (other !== undefined) continue;',
  ),
  deriving(
    'the survivor is not brought in line',
    'new Set([...keys, ...(await survivorsOf(wiring.store, keys))])',
    'new Set(keys)',
  ),
  deriving(
    'the survivors alone are brought in line',
    'new Set([...keys, ...(await survivorsOf(wiring.store, keys))])',
    'new Set(await survivorsOf(wiring.store, keys))',
  ),
  // events that change nothing but the entries that they are about
  folding(
    'a merge does not say which number the stream is of',
    "if ('ownNhsNumber' in event) record.nhsNumber ??= event.ownNhsNumber;",
    '',
  ),
  touched('a retraction of deaths is taken on as if it changed nothing', 'if (fresh.some(reachesSeveral) || ', 'if ('),
  touched(
    'what decisions say of others is taken on as if it changed nothing',
    'if (reachOthers(decisions, types)) return false;',
    '',
  ),
  touched(
    'views of a number without entries are taken on whatever they rest on',
    'if (record.entries.size === 0 && views.size === 0) return true;',
    'if (record.entries.size === 0) return true;',
  ),
  touched(
    'views are taken on whatever they rest on',
    'return projections.every((projection) => isCurrent(viewIn(state, projection), { members: [state] }, adopted, now, marks));',
    'return true;',
  ),
  touched('one view that may be taken on vouches for all', 'return projections.every(', 'return projections.some('),
  touched(
    'an effect says nothing of its basis',
    'return { views, basis: basisOf({ members: [state], record: state.record }, rulings, marks) };',
    'return { views };',
  ),
  touched('an amended entry is not told', '(id) => ids.has(id),', '() => false,'),
  touched(
    'an entry held back now stays in the view',
    'if (is !== undefined) after.set(entry.id, is);',
    "if (is !== undefined) after.set(entry.id, was === 'i' ? was : is);",
  ),
  touched(
    'nothing is thought to mask what is included',
    'if (mayMask(letters, before, after, rulings.mayRefuse(projection))) return null;',
    '',
  ),
  touched('what is refused now masks nothing', 'if (touched.some(isRefused)) return some(isIncluded);', ''),
  touched('what comes is not masked', 'return touched.some(isIncluded) && some(isRefused);', 'return false;'),
  touched(
    'what was refused masks as before',
    'const touched = [...before.values(), ...after.values()];',
    'const touched = [...after.values()];',
  ),
  judges('decisions are thought to refuse nothing', 'byNumber.numbers.some((decisions) => decisions.length > 0) || ', ''),
  judges('a policy is thought to refuse nothing by itself', ' || refusesUnasked(adopted.policy, purpose),', ','),
  // care events
  recording(
    'what came since a record was remembered is passed over',
    'if (state.revision !== revision) throw new WrongExpectedRevision(careRecordStream(key), revision, state.revision);',
    '',
  ),
  recording(
    'a redelivery is not looked after',
    'if (redelivered && isOutOfLine(state, this.wiring.projections, adopted))',
    'if (redelivered && state.revision < 0)',
  ),
  recording(
    'a redelivery under another policy is not looked after',
    'views.some(({ isInLine, basis }) => !isInLine || basis?.policyVersion !== version)',
    'views.some(({ isInLine }) => !isInLine)',
  ),
  recording('a policy that came meanwhile is passed over', 'await this.underTheSamePolicy(adopted, [...patients.keys()]);', ''),
  recording(
    'those whom an event was carried to are not brought in line',
    'await this.derive(outbox, () => bringInLine(wiring, [key, ...carried.keys()]));',
    'await this.derive(outbox, () => bringInLine(wiring, [key]));',
  ),
  recording(
    'an event of a merged number leaves the views as they are',
    'await this.derive(outbox, () => bringInLine(wiring, [key, ...carried.keys()]));',
    '',
  ),
  recording(
    'an entry of another number is not claimed',
    'await claimEntries(wiring, key, members[0] as NumberState, claimed);',
    '',
  ),
  recording(
    'a merge that took its step back leaves what others made of it',
    'return void outbox.merged.push({ message, numbers: [key] });',
    'return;',
  ),
  recording(
    'a merge leaves the views as they are',
    'await this.derive(outbox, () => bringInLine(this.wiring, [...related]));',
    '',
  ),
  recording(
    'who is merged is remembered as a person of its own',
    'return supersededBy === null && absorbed.length === 0 ? [state] : loadMembers(this.wiring.store, state);',
    'return absorbed.length === 0 ? [state] : loadMembers(this.wiring.store, state);',
  ),
  recording(
    'a survivor is a person of its own',
    'return supersededBy === null && absorbed.length === 0 ? [state] : loadMembers(this.wiring.store, state);',
    'return supersededBy === null ? [state] : loadMembers(this.wiring.store, state);',
  ),
  // decisions
  deriving(
    'a decision is recorded without its effect',
    'return appendToNumber(wiring, state, withTheirEffect(wiring, events, effectOf(projections, person, decided).effect));',
    'return appendToNumber(wiring, state, withoutEffect(events));',
  ),
  recordingDecisions(
    'the effect of a decision is of the state before it',
    "for (const event of decisions) applyToNumber(state, { kind: 'decision', event }, state.record.revision + 1);",
    '',
  ),
  deriving(
    'a number that gave way has views of its own',
    'if (supersededBy !== null || absorbed.length > 0) return',
    'if (absorbed.length > 0) return',
  ),
  deriving(
    'a decision about a survivor looks at its own number alone',
    'if (supersededBy !== null || absorbed.length > 0) return',
    'if (supersededBy !== null) return',
  ),
  recordingDecisions(
    'a decision that was fenced off counts as recorded',
    'if ((await unlessFenced(append(wiring, state, chosen).then(() => true))) !== null) return true;',
    'await unlessFenced(append(wiring, state, chosen));\n    return true;',
  ),
  applying(
    'a redelivered decision is not looked after',
    'if (sifted.redelivered) await bringInLine(wiring, [...(await relatedNumbers(wiring.store, key)).keys()]);\n  else if (isNew',
    'if (isNew',
  ),
  applying(
    'a decision about a merged number leaves the views as they are',
    '(others.length > 0 || (await isMerged(wiring, key)) || ',
    '(',
  ),
  applying(
    'a decision about a number that was merged meanwhile leaves the views as they are',
    '(others.length > 0 || (await isMerged(wiring, key)) || ',
    '(others.length > 0 || ',
  ),
  applying(
    'a decision is obeyed under the policy before alone',
    ' || (await wiring.policies.current()).version !== version))',
    '))',
  ),
  // merges and deaths
  merging(
    'a merge that another undid is made again when it comes again',
    '} else if (identity.supersededBy?.key !== survivor) {',
    '} else if (identity.supersededBy === undefined) {',
  ),
  merging(
    'an unmerge that comes again lets go of a newer merge',
    'await (mergedInto === survivor ? absorb(wiring, merging) : release(wiring, merging));',
    'await release(wiring, merging);',
  ),
  deaths(
    'who told a death may not take it back',
    'if (isTakenBackBy(entry, { organisation })) return organisation;',
    'if (isTakenBackBy(entry, { organisation })) return null;',
  ),
  // what subscribers are told
  telling('who tells looks at no policy and no date', 'if (isAsDecided) return { state, person };', 'return { state, person };'),
  telling(
    'who tells looks at no policy',
    'lettersFor(one, person, adopted, now, marks)])',
    'lettersFor(one, person, { ...adopted, version: viewIn(state, one).basis?.policyVersion ?? adopted.version }, now, marks)])',
  ),
  telling(
    'who tells looks at no date',
    'lettersFor(one, person, adopted, now, marks)])',
    `lettersFor(one, person, adopted, ${notAfter('viewIn(state, one)')}, marks)])`,
  ),
  telling(
    'who tells reads streams as they were a moment ago',
    'const state = await lookAtNumber(wiring.store, key);',
    'const state = await lookAtNumber(wiring.store, key, { until: wiring.clock.now() - 1_000 });',
  ),
  telling(
    'what is told is decided from the state that an event left',
    'const isAsDecided = [...decided].every(([one, { letters }]) => isSame(letters, viewIn(state, one).letters));',
    'const isAsDecided = decided.size > 0;',
  ),
  telling(
    'what is not included is told',
    'seenIn(person.record, letters, projection, pseudonyms, ids.keys());',
    "seenIn(person.record, new Map([...ids.keys()].map((id) => [id, 'i'])), projection, pseudonyms);",
  ),
  telling(
    'a withdrawal is not told',
    "if (entry === undefined) told.set(entryId, { ...about, entryId, kind: 'withdrawn' });\n      else told",
    'if (entry !== undefined) told',
  ),
  telling(
    'what gave way is not withdrawn',
    'for (const [purpose, ids] of namedIn(effects, state, purposes))',
    'for (const [purpose, ids] of person === null ? [] : namedIn(effects, state, purposes))',
  ),
  telling(
    'of a number that gave way it is told that all went, though its stream includes it still',
    '{ letters }) => letters.size === 0))',
    '{ letters }) => letters.size >= 0))',
  ),
  telling(
    'of several events of a number the last alone is told',
    'if (effect !== null) effects.push(effect);',
    'if (effect !== null) effects.splice(0, 1, effect);',
  ),
  telling(
    'an entry is not withdrawn under the name that another version gives it',
    'const versions = wiring.projections.filter((one) => one.purpose === purpose);',
    'const versions = [projection];',
  ),
  // the publisher
  publishing(
    'a publisher says how far it is before it publishes',
    'const changes = await changesOf(',
    'await this.checkpoint(events.at(-1)!.position);\n    const changes = await changesOf(',
  ),
  publishing('a publisher publishes past its seat', 'await this.seat.publish(some);', 'await wiring.bus.publish(some);'),
  publishing(
    'whoever publishes looks for no checkpoint of another',
    'const event = encode({ type',
    'this.revision = (await lastCheckpoint(store)).revision;\n    const event = encode({ type',
  ),
  publishing(
    'a publisher takes no notice that its seat is taken',
    'if (!(error instanceof SeatTaken)) throw error;\n        this.isOver = true;\n        return;',
    'if (!(error instanceof SeatTaken)) throw error;',
  ),
  publishing(
    'a publisher whose seat is taken goes on behind it',
    'if (this.isOver) return;\n    const { wiring }',
    'const { wiring }',
  ),
  publishing(
    'what fails to be published counts as published',
    'if (!(error instanceof SeatTaken)) throw error;',
    'if (!(error instanceof SeatTaken)) continue;',
  ),
  publishing('a publisher begins at the beginning', '...(after !== null && { after }),\n    maxBatch', 'maxBatch'),
  publishing('a publisher never says how far it is', 'await this.checkpoint(events.at(-1)!.position);', ''),
  // readers
  reading(
    'a reader believes a view of older decisions',
    'if (isCurrent(view, person, adopted, now, marks) && ',
    'if (isCurrent({ ...view, isInLine: true }, person, adopted, now, marks) && ',
  ),
  reading(
    'a reader believes a view of an older policy',
    'if (isCurrent(view, person, adopted, now, marks) && ',
    'if (isCurrent(view, person, { ...adopted, version: view.basis?.policyVersion ?? 0 }, now, marks) && ',
  ),
  reading(
    'a reader believes a view whose time is over',
    'if (isCurrent(view, person, adopted, now, marks) && ',
    `if (isCurrent(view, person, adopted, ${notAfter('view')}, marks) && `,
  ),
  reading('an answer is kept although a policy came', 'streams.set(POLICY_STREAM, adopted.version - 1);', ''),
  reading(
    'an answer is kept although another number of the person was written to',
    'new Map([...person.looked].map(',
    'new Map([...person.looked].slice(0, 1).map(',
  ),
  // replays
  replaying(
    'who has everything told goes on before it is',
    ' || (await isPublishedInTime(wiring, projection, options))',
    ' || true',
  ),
  // decisions first
  letters(
    'an entry is shared before the decisions that came before it are read',
    "isArriving && isIncluded(letter) ? 'a'",
    "!isArriving && letter === 'a' ? 'a'",
  ),
  looking(
    'the last decision before an entry is not waited for',
    'if (mark.next < high) return [partition, mark.epoch, high];',
    'if (mark.next < high - 1) return [partition, mark.epoch, high];',
  ),
  readingInOrder(
    'a mark is moved before the decisions are in their streams',
    'await handle(batch);\n  const { offset, timestamp } = batch.messages.at(-1) as Message;\n  const moved = await moveMark(wiring, batch, seen, { next: offset + 1, at: timestamp });',
    'const { offset, timestamp } = batch.messages.at(-1) as Message;\n  const moved = await moveMark(wiring, batch, seen, { next: offset + 1, at: timestamp });\n  await handle(batch);',
  ),
  awaiting('whoever waited is not brought in line', '(key) => bringInLine(this.wiring, [key]));', 'async () => undefined);'),
];
