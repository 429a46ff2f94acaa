import { mistakesIn, type Mutant } from './mutate.js';

const replaced = mistakesIn('libs/domain/src/care-record/replaced.ts');
const replacements = mistakesIn('libs/domain/src/consent/replacements.ts');
const permits = mistakesIn('libs/domain/src/consent/permits.ts');
const touched = mistakesIn('libs/processing/src/touched.ts');
const explaining = mistakesIn('libs/processing/src/explain-record.ts');

/** Mistakes about documents that replace each other. */
export const MUTANTS_OF_DOCUMENTS: readonly Mutant[] = [
  // what is shown
  replacements('a replaced document stays', 'if (!found.has(one)) this.replaced.set(other, one);', ''),
  replacements(
    'documents that replace each other all give way',
    'if (!found.has(one)) this.replaced.set(other, one);',
    'this.replaced.set(other, one);',
  ),
  replacements(
    'a retracted replacement does not give the place back',
    'const here = [...present].filter(isDocument);',
    'const here = [...present, ...gone].filter(isDocument);',
  ),
  replacements(
    'a document gives way to one of another source',
    'other !== entry && sourceIn(other.id) === sourceIn(entry.id)',
    'other !== entry',
  ),
  replacements(
    'what a document ever replaced gives way still',
    'const names = entry.resource === undefined ? [] : namesReplaced(entry.resource);',
    'const names = everReplaced(entry);',
  ),
  replaced('what appends to a document replaces it', "code === 'replaces' && isObject(target)", 'isObject(target)'),
  touched(
    'what replaces a document is taken on as if it changed nothing',
    'if (documents.some(({ resource }) => namesReplaced(resource).length > 0)) return true;',
    '',
  ),
  touched(
    'what gives a place back is taken on as if it changed nothing',
    'return documents.length > 0 && [...entries.values()].some(({ replaces }) => replaces !== undefined);',
    'return false;',
  ),
  // what is denied of it
  permits(
    'a denial of a document is none of what replaces it',
    'of replacements.everReplacedBy(entry)',
    'of [] as JudgedEntry[]',
  ),
  replacements(
    'a denial goes no further than what is replaced itself',
    'for (const one of found) for (const other of bearersOf',
    'for (const one of [entry]) for (const other of bearersOf',
  ),
  replacements(
    'a denial ends where what stood between is gone',
    'const all = [...here, ...[...gone].filter(isDocument)];',
    'const all = here;',
  ),
  replacements(
    'a denial ends where a later version replaces nothing',
    'replaces ?? (resource === undefined ? [] : namesReplaced(resource));',
    'resource === undefined ? (replaces ?? []) : namesReplaced(resource);',
  ),
  replacements(
    'a denial ends where a later version has another name',
    'new Set([...namesIn(entry), ...(entry.names ?? []).map((name) => scopedName(sourceIn(entry.id), name))]);',
    'new Set(namesIn(entry));',
  ),
  replaced('of what was ever replaced the last is remembered', '[...(entry.replaces ?? []), ...replaced]', 'replaced'),
  permits(
    'what a policy refuses of a document is denied of what replaces it',
    'if (before.permitted || before.decision === null) continue;',
    'if (before.permitted) continue;',
  ),
  // how it is explained
  permits(
    'of several denials the last explains',
    'if (ruling.permitted || decides(before, ruling)) ruling = before;',
    'ruling = before;',
  ),
  permits(
    'of several denials the first explains',
    'if (ruling.permitted || decides(before, ruling)) ruling = before;',
    'if (ruling.permitted) ruling = before;',
  ),
  explaining(
    'a replaced document is explained by who may see it',
    'if (permitted && replacedBy !== undefined) return { purpose, ...REPLACED };',
    '',
  ),
];
