import { canonicalJson, type Purpose, type ViewEntry } from '@weft/domain';
import { projectionOf, recordChangesTopic, type Message, type Wiring } from '@weft/processing';
import { MARKS } from './marks.js';
import { ATTACKER, markedId, type AttackedRegion, type Victim } from './region.js';

const BEYOND = ['population-health', 'research'] as const;
type Beyond = (typeof BEYOND)[number];

/** One way of finding people, how many were looked for, and how many were found. */
export interface Finding {
  readonly purpose: string;
  readonly by: string;
  readonly tried: number;
  readonly found: number;
  readonly isLimit: boolean;
}

/** Of one feed everything that a subscriber ever is given. */
interface Feed {
  readonly messages: readonly Message[];
  /** Each message as text, by the pseudonym of the person. */
  readonly texts: ReadonlyMap<string, string>;
  /** The entries as they stand, by the pseudonym of the person. */
  readonly entries: ReadonlyMap<string, readonly ViewEntry[]>;
}

/** Joins what subscribers of research, population health and direct care are given, and what publishers know. */
export async function attack({ wiring, people, victims }: AttackedRegion): Promise<Finding[]> {
  const findings: Finding[] = [];
  const direct = await feedOf(wiring, 'direct-care');
  const feeds = new Map<Beyond, Feed>();
  for (const purpose of BEYOND) feeds.set(purpose, await feedOf(wiring, purpose));
  for (const [purpose, feed] of feeds) {
    const nameOf = (nhsNumber: string): string => wiring.keys.view(purpose, wiring.keys.patient(nhsNumber));
    const finding = (by: string, tried: number, found: number, isLimit = false): void =>
      void findings.push({ purpose, by, tried, found, isLimit });
    for (const mark of MARKS) {
      const marked = victims.filter((victim) => victim.mark === mark);
      finding(mark.name, marked.length, marked.filter((victim) => isFound(wiring, purpose, feed, victim)).length, mark.isLimit);
    }
    finding(
      'times finer than the purpose may know',
      feed.messages.length,
      feed.messages.filter((one) => isTooFine(purpose, one)).length,
    );
    finding('names that two people share', feed.texts.size, shared(feed));
    for (const [other, theirs] of [['direct care', direct] as const, ...[...feeds].filter(([one]) => one !== purpose)]) {
      finding(`names that ${other} has too`, feed.texts.size, namesIn(feed).filter((name) => namesOf(theirs).has(name)).length);
      const theirName = (nhsNumber: string): string =>
        other === 'direct care' ? wiring.keys.patient(nhsNumber) : wiring.keys.view(other, wiring.keys.patient(nhsNumber));
      for (const [by, told] of [
        ['revisions', revisions],
        ['steps between revisions', steps],
      ] as const) {
        const join = joinedBy(told(feed), told(theirs));
        const found = people.filter((one) => join(nameOf(one), theirName(one)));
        finding(`${by} that ${other} has too`, people.length, found.length);
      }
    }
    const whole = (name: string): string => signatures(feed, name).join();
    const counts = countsOf([...feed.entries.keys()].map(whole));
    finding(
      'the whole of a history, by whoever knows it',
      people.length,
      people.filter((one) => counts.get(whole(nameOf(one))) === 1).length,
      true,
    );
  }
  return findings;
}

async function feedOf({ bus }: Wiring, purpose: Purpose): Promise<Feed> {
  const topic = recordChangesTopic(purpose);
  const messages: Message[] = [];
  for (const { partition, low, high } of await bus.offsets(topic)) {
    for (let from = low; from < high;) {
      const page = await bus.read(topic, partition, from);
      messages.push(...page);
      from = (page.at(-1)?.offset ?? high) + 1;
    }
  }
  const texts = new Map<string, string>();
  const standing = new Map<string, ViewEntry>();
  for (const message of messages) {
    const subject = subjectOf(message);
    texts.set(subject, `${texts.get(subject) ?? ''}\n${textOf(message)}`);
    if (message.value === null) standing.delete(message.key);
    else standing.set(message.key, JSON.parse(Buffer.from(message.value).toString()) as ViewEntry);
  }
  const entries = new Map<string, ViewEntry[]>();
  for (const [key, entry] of standing) {
    const subject = key.slice(0, key.indexOf('.'));
    entries.set(subject, [...(entries.get(subject) ?? []), entry]);
  }
  return { messages, texts, entries };
}

const subjectOf = ({ key }: Message): string => key.slice(0, key.indexOf('.'));
const textOf = ({ key, headers, value }: Message): string =>
  `${key} ${JSON.stringify(headers)} ${value === null ? '' : Buffer.from(value).toString()}`;

/** By the mark itself, wherever it stands; or because what is told of the marked entry is told of this person alone. */
function isFound(wiring: Wiring, purpose: Beyond, feed: Feed, { nhsNumber, mark, nth }: Victim): boolean {
  const literal = mark.literal?.(nth);
  if (literal !== undefined && [...feed.texts.values()].some((text) => text.includes(literal))) return true;
  const patient = wiring.keys.view(purpose, wiring.keys.patient(nhsNumber));
  const { resourceType, id } = mark.resource(markedId(nth), nth);
  const naming = { patient, of: (text: string) => wiring.keys.pseudonym(purpose, text) };
  const name = projectionOf(wiring, purpose).entryId(`${ATTACKER}/${resourceType}/${id}`, naming);
  const told = feed.entries.get(patient)?.find((entry) => entry.id === name);
  return told !== undefined && signatureCounts(feed).get(signatureOf(told)) === 1;
}

const HIDDEN = /[0-9a-f]{32}/g;

/** What is told of an entry but for pseudonyms: what its publisher can look for. */
const signatureOf = (entry: ViewEntry): string => canonicalJson(entry).replace(HIDDEN, '');
const signatures = (feed: Feed, name: string): string[] => (feed.entries.get(name) ?? []).map(signatureOf).sort();

const counted = new WeakMap<Feed, ReadonlyMap<string, number>>();

/** Of each signature, of how many people it is told. */
function signatureCounts(feed: Feed): ReadonlyMap<string, number> {
  let counts = counted.get(feed);
  if (counts === undefined) {
    counts = countsOf([...feed.entries.keys()].flatMap((name) => [...new Set(signatures(feed, name))]));
    counted.set(feed, counts);
  }
  return counts;
}

function countsOf(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

const TOO_FINE = { 'population-health': /\b(?:19|20)\d\d-\d\d-\d\d|\d\d:\d\d/, research: /\b(?:19|20)\d\d-\d\d|\d\d:\d\d/ };

/** Codes of LOINC look like months where they are told: what follows a code's name is none. */
function isTooFine(purpose: Beyond, message: Message): boolean {
  return TOO_FINE[purpose].test(textOf(message).replace(/"code":"[^"]*"|"system":"[^"]*"|[0-9a-f]{32}/g, ''));
}

const namesIn = ({ texts }: Feed): string[] => [...new Set([...texts.values()].flatMap((text) => text.match(HIDDEN) ?? []))];
const named = new WeakMap<Feed, ReadonlySet<string>>();

function namesOf(feed: Feed): ReadonlySet<string> {
  let names = named.get(feed);
  if (names === undefined) named.set(feed, (names = new Set(namesIn(feed))));
  return names;
}

function shared({ texts }: Feed): number {
  return [...countsOf([...texts.values()].flatMap((text) => [...new Set(text.match(HIDDEN))])).values()].filter(
    (count) => count > 1,
  ).length;
}

type Tellings = ReadonlyMap<string, string>;

function revisionsOf({ messages }: Feed): Map<string, number[]> {
  const told = new Map<string, number[]>();
  for (const message of messages) {
    const list = told.get(subjectOf(message)) ?? [];
    const revision = Number(message.headers['ce_viewrevision']);
    if (list.at(-1) !== revision) list.push(revision);
    told.set(subjectOf(message), list);
  }
  return told;
}

/** Of each person the last one, above the lowest of all: where a feed begins to count is no secret. */
function revisions(feed: Feed): Tellings {
  const told = [...revisionsOf(feed)];
  const lowest = told.reduce((low, [, list]) => Math.min(low, ...list), Infinity);
  return new Map(told.map(([name, list]) => [name, String((list.at(-1) as number) - lowest)]));
}

const steps = (feed: Feed): Tellings =>
  new Map(
    [...revisionsOf(feed)].map(([name, list]) => [
      name,
      list
        .slice(1)
        .map((one, at) => one - (list[at] as number))
        .join(),
    ]),
  );

/** Tells whether two names are the only ones of their feeds of which the same is told. */
function joinedBy(ours: Tellings, theirs: Tellings): (ourName: string, theirName: string) => boolean {
  const [ourCounts, theirCounts] = [countsOf([...ours.values()]), countsOf([...theirs.values()])];
  return (ourName, theirName) => {
    const told = ours.get(ourName) ?? '';
    return told !== '' && told === theirs.get(theirName) && ourCounts.get(told) === 1 && theirCounts.get(told) === 1;
  };
}
