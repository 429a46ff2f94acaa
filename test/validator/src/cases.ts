import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fhirProblems } from '@weft/care-events';
import { readJsonFile } from './files.js';
import type { Loose } from './files.js';

/** One of FHIR's test cases for validators, as HL7's own validator and this one judge it. */
export interface Case {
  readonly name: string;
  /** What HL7's reference validator refuses it for. */
  readonly reference: readonly string[];
  readonly ours: readonly string[];
  /** Why they differ; null where nobody knows, undefined where they agree. */
  readonly reason: string | null | undefined;
}

interface Issue {
  readonly severity: string;
  readonly details?: { readonly text?: string };
}
interface Entry {
  readonly name: string;
  readonly file: string;
  readonly version?: string;
  readonly 'use-test'?: boolean;
  readonly java?: string | { readonly outcome?: { readonly issue?: readonly Issue[] }; readonly errorCount?: number };
}

/** What a case needs that is no part of R4 itself: packages, profiles, other files, a validator that is told to be lenient. */
const BEYOND_R4 = [
  ...['packages', 'profiles', 'supporting', 'supporting5', 'logical', 'package-map', 'matchetype', 'certificate'],
  ...['advisor', 'validateContains', 'allow-comments', 'new-xver-mode'],
];

/** Why the reference validator refuses what is taken here. docs/validation.md has a row for each. */
const TAKEN: Readonly<Record<string, RegExp>> = {
  terminology:
    /Wrong Display Name|Unknown code|is not valid in the system|not declared in the base CodeSystem|SHALL have a content value of|The Coding references a value set/,
  extensions: /^The extension /i,
  profiles: /magic LOINC code|Constraint failed: vs-3/,
  resolution:
    /Unable to resolve|Can't find|Multiple matches|Found \d+ matches|does not resolve|refers to a resource that has the wrong type/,
  searches: /link relationship type|Search results must have ids|not a matching resource type|not an OperationOutcome/,
  publishing: /Example URLs are not allowed|HL7 is publishing|looks like embedded HTML|appears to be an embedded HTML/,
  signatures: /signature/,
  'absolute-uris': /must be (?:an )?absolute/i,
  definitions:
    /SearchParameter|search expression|Error generating Snapshot|valid FHIRPath|Invalid ECL|unknown parameter|expression language|filter|property|is not listed as a base|is normally assigned the code|Type mismatch|Wrong type|type string is different/,
  'unknown-order': /Constraint failed: per-1/,
};

/** Every case of R4 in JSON that needs no more than R4, and of which the reference validator's verdict is there. */
export function cases(directory: string): Case[] {
  const manifest = readJsonFile(join(directory, 'validator', 'manifest.json')) as { readonly 'test-cases': readonly Entry[] };
  return manifest['test-cases'].filter(isOfR4Alone).flatMap((entry) => {
    const reference = errorsOf(entry, directory);
    const ours = reference === null ? null : judged(join(directory, 'validator', entry.file));
    if (reference === null || ours === null) return [];
    return [{ name: entry.name, reference, ours, reason: reasonOf(reference, ours) }];
  });
}

const isOfR4Alone = (entry: Entry): boolean =>
  entry.version?.startsWith('4.0') === true &&
  entry.file.endsWith('.json') &&
  entry['use-test'] !== false &&
  !BEYOND_R4.some((need) => need in entry);

function errorsOf({ java }: Entry, directory: string): string[] | null {
  const path = typeof java === 'string' ? join(directory, 'validator', 'outcomes', java) : null;
  if (java === undefined || (path !== null && !existsSync(path))) return null;
  if (typeof java === 'object' && java.outcome === undefined) return Array<string>(java.errorCount ?? 0).fill('');
  const outcome = (path === null ? (java as { outcome: unknown }).outcome : readJsonFile(path)) as { issue?: readonly Issue[] };
  const errors = (outcome.issue ?? []).filter(({ severity }) => severity === 'error' || severity === 'fatal');
  return errors.map(({ details }) => details?.text ?? '');
}

/** Null where it is no resource. */
function judged(path: string): string[] | null {
  if (!existsSync(path)) return null;
  let resource: unknown;
  try {
    resource = JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, ''));
  } catch {
    return ['not JSON'];
  }
  if (typeof (resource as Loose | null)?.['resourceType'] !== 'string') return null;
  return fhirProblems(resource).map(({ field, message }) => `${field} ${message}`);
}

function reasonOf(reference: readonly string[], ours: readonly string[]): string | null | undefined {
  if (reference.length > 0 === ours.length > 0) return undefined;
  const reasons = reference.map((error) => Object.entries(TAKEN).find(([, pattern]) => pattern.test(error))?.[0]);
  return reasons.length === 0 || reasons.includes(undefined) ? null : [...new Set(reasons)].join(', ');
}
