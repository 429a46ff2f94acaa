import { sameJson } from '@weft/domain';
import type { Problem, Resource } from '@weft/domain';
import { attachingProblems, isLasting, keepingProblems, lastingNames, mayBeNobodys } from './about-nobody.js';
import type { KeptResource } from './about-nobody.js';
import { attachmentUrls } from './attachments.js';
import { namesMeant, namesOf, typeMeant } from './bundle-names.js';
import type { BundleEntry } from './bundle-names.js';
import { indexPatients, subjectsOf } from './bundle-patients.js';
import { withEntriesNamed } from './consent-data.js';
import { isPrivacyConsent } from './consent-in.js';
import { costProblem } from './fhir.js';
import { withKept } from './kept-with.js';
import type { Target } from './kept-with.js';
import { nhsNumberAsId, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { problem } from './problems.js';

/** What one entry takes with it, and all entries of a Bundle together. */
export const ONE = { resources: 64, characters: 256 * 1024 };
const TOGETHER_CHARACTERS = 32 * 1024 * 1024;
/** What a request refers to of what came before it is looked for by so many names. */
export const NAMES_WANTED_MAX = 100;

/** Resources about nobody that an organisation sent before, by a name. */
export type FoundResources = ReadonlyMap<string, Resource>;

/** A Bundle's entries with what they refer to that is about nobody. */
export interface BundleKept {
  /** The resources of the other entries, by index. */
  readonly resources: ReadonlyMap<number, Resource>;
  /** By index, an entry's resource as the Bundle alone makes it, where what came before may have made it another. */
  readonly sent: ReadonlyMap<number, Resource>;
  /** Those about nobody, by index: kept, or what is wrong with it. */
  readonly nobodys: ReadonlyMap<number, KeptResource | readonly Problem[]>;
  /** Names of what they refer to that is not among them, and may have come before. */
  readonly wanted: readonly string[];
  /** By index, what of an entry's references was left as it is. */
  readonly warnings: ReadonlyMap<number, readonly Problem[]>;
}

interface Options {
  /** Whose id a resource has: `urn:ods:<ODS code>`, with its system if it has one. */
  readonly sourceOf: (resource: Resource) => string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly found?: FoundResources | undefined;
  readonly validate?: boolean | undefined;
}

export function keepTogether(
  all: readonly BundleEntry[],
  { sourceOf, now, found = NOTHING_FOUND, validate = true }: Options,
): BundleKept {
  const sound = all.filter(({ resource }) => costProblem(resource) === null);
  const readable = new Set(sound);
  const patients = indexPatients(sound);
  const attachedNames = new Set(
    sound.flatMap(({ resource }) => attachmentUrls(resource).flatMap((url) => namesMeant({ reference: url }))),
  );
  /** A Binary that a document names in an attachment is that document's: whoever may see the one is given the other. */
  const isAttached = (entry: BundleEntry): boolean =>
    entry.resource.resourceType === 'Binary' && namesOf(entry).some((name) => attachedNames.has(name));
  const isNobodys = (entry: BundleEntry): boolean => {
    const { resource } = entry;
    if (isAttached(entry)) return true;
    if (!mayBeNobodys(resource.resourceType)) return false;
    const whose = subjectsOf(resource, patients);
    return !whose.ok && whose.problem.code === 'no-patient';
  };
  const faults = new Map(
    sound
      .filter(isNobodys)
      .map(
        (entry) =>
          [entry.index, (isAttached(entry) ? attachingProblems : keepingProblems)(entry.resource, now, validate)] as const,
      ),
  );
  const isKept = ({ index }: BundleEntry): boolean => faults.get(index)?.length === 0;
  const targets = indexTargets(sound, isKept, sourceOf);
  const wanted = new Set<string>();
  const warnings = new Map<number, readonly Problem[]>();
  const sent = new Map<number, Resource>();
  const left = { now: TOGETHER_CHARACTERS, bySent: TOGETHER_CHARACTERS };

  /** A Patient by type and id means the same one as before, and nobody by an id that could be an NHS number. */
  const isSound = (target: Target): boolean => {
    if (!('entry' in target) || !target.entry.startsWith('Patient/')) return true;
    const named = patients.get(target.entry);
    return named !== undefined && named !== 'another' && named.ok && nhsNumberAsId(target.entry) === null;
  };
  const entryMeant = (reference: Loose): string | undefined => {
    const target = namesMeant(reference)
      .map((name) => targets.get(name))
      .find((one) => one !== undefined);
    return typeof target === 'object' && 'entry' in target ? entryNamed(target) : undefined;
  };
  const complete = (entry: BundleEntry): Resource => {
    const { resource, index } = entry;
    if (!readable.has(entry)) return resource;
    if (isPrivacyConsent(resource)) return withEntriesNamed(resource, entryMeant);
    const own: Problem[] = [];
    const source = sourceOf(resource);
    let usesFound = false;
    const targetOf = (before: FoundResources, reference: Loose): Target | undefined => {
      const names = namesMeant(reference);
      for (const name of names) {
        const known = before.get(nameWithin(source, name));
        usesFound ||= known !== undefined;
        const target = targets.get(name) ?? (known && { kept: known });
        if (target === 'several' || (target !== undefined && !isSound(target)) || isBinary(target)) return undefined;
        if (target !== undefined) return isOtherVersion(reference, target) ? undefined : target;
      }
      if (!mayBeNobodys(typeMeant(reference))) return undefined;
      for (const name of names.filter(isLasting).map((one) => nameWithin(source, one))) {
        if (wanted.has(name) || wanted.size < NAMES_WANTED_MAX) wanted.add(name);
        else if (own.length === 0) own.push(NOT_LOOKED_FOR);
      }
      return undefined;
    };
    const whose = subjectsOf(resource, patients);
    /** What says that it is about somebody else than its document stays outside of it. */
    const attachedAt = (url: string): Resource | undefined => {
      const target = namesMeant({ reference: url })
        .map((name) => targets.get(name))
        .find((one) => one !== undefined);
      if (!isBinary(target)) return undefined;
      const of = subjectsOf(target.kept, patients);
      const isItsOwn = of.ok ? whose.ok && of.subject === whose.subject : of.problem.code === 'no-patient';
      return isItsOwn ? target.kept : undefined;
    };
    const attaching = attachmentUrls(resource).length === 0 ? undefined : attachedAt;
    const made = withKept(resource, (one) => targetOf(found, one), roomIn(left.now), attaching);
    if (usesFound || left.now !== left.bySent) {
      const bySent = withKept(resource, (one) => targetOf(NOTHING_FOUND, one), roomIn(left.bySent), attaching);
      sent.set(index, bySent.resource);
      left.bySent -= bySent.characters;
    } else left.bySent -= made.characters;
    left.now -= made.characters;
    if (made.isCut) own.push(NO_ROOM);
    if (own.length > 0) warnings.set(index, own);
    return made.resource;
  };

  const namesOutside = (entry: BundleEntry): string[] =>
    (isAttached(entry) ? [] : lastingNames(entry)).map((name) => nameWithin(sourceOf(entry.resource), name));

  return {
    resources: new Map(all.flatMap((entry) => (faults.has(entry.index) ? [] : [[entry.index, complete(entry)]]))),
    nobodys: new Map(
      sound.flatMap((entry) => {
        const problems = faults.get(entry.index);
        if (problems === undefined) return [];
        return [[entry.index, problems.length > 0 ? problems : { names: namesOutside(entry), resource: complete(entry) }]];
      }),
    ),
    sent,
    wanted: [...wanted],
    warnings,
  };
}

const roomIn = (left: number) => ({ ...ONE, characters: Math.min(ONE.characters, left), attached: left });
const isBinary = (target: Target | 'several' | undefined): target is { readonly kept: Resource } =>
  typeof target === 'object' && 'kept' in target && target.kept.resourceType === 'Binary';

const NOTHING_FOUND: FoundResources = new Map();
export const NO_ROOM = problem(
  'contained',
  'no-room',
  'refers to more than is kept with it; what it refers to beyond that stands as a reference',
);
export const NOT_LOOKED_FOR = problem(
  'contained',
  'not-looked-for',
  `the request refers to more than ${NAMES_WANTED_MAX} resources that are not in it; the rest was not looked for in what came before`,
);

/** Whether a reference to one version leads to what says that it is another. */
export function isOtherVersion({ reference }: Loose, target: Target): boolean {
  const meant = /\/_history\/([^/]+)$/.exec(textOf(reference) ?? '')?.[1];
  const said = 'kept' in target ? target.kept.meta?.versionId : undefined;
  return meant !== undefined && said !== undefined && said !== meant;
}

/** Each system of an organisation numbers its resources for itself; addresses and business identifiers mean the same in all. */
export const nameWithin = (source: string, name: string): string =>
  /^urn:ods:[^:]+:/.test(source) && /^[A-Z][A-Za-z]+\/[^/?]+$/.test(name) ? `${source} ${name}` : name;

/** An entry of this Bundle by its id, whichever system of the organisation it is of. */
const entryNamed = ({ source, entry }: { readonly source: string; readonly entry: string }): string =>
  `${source.replace(/^urn:ods:/, '')}/${entry}`;

/** What each name of the Bundle means. A name of two different resources means none of them. */
function indexTargets(
  entries: readonly BundleEntry[],
  isKept: (entry: BundleEntry) => boolean,
  sourceOf: Options['sourceOf'],
): ReadonlyMap<string, Target | 'several'> {
  const targets = new Map<string, Target | 'several'>();
  for (const entry of entries) {
    const { resource } = entry;
    const id = textOf(resource.id);
    if (!isKept(entry) && id === undefined) continue;
    const target: Target = isKept(entry)
      ? { kept: resource }
      : { entry: `${resource.resourceType}/${id}`, source: sourceOf(resource) };
    for (const name of namesOf(entry)) {
      const known = targets.get(name);
      targets.set(name, known === undefined || isSame(known, target) ? target : 'several');
    }
  }
  return targets;
}

function isSame(one: Target | 'several', other: Target): boolean {
  if (one === 'several') return false;
  if ('entry' in one || 'entry' in other) {
    return 'entry' in one && 'entry' in other && one.entry === other.entry && one.source === other.source;
  }
  return sameJson(one.kept, other.kept);
}
