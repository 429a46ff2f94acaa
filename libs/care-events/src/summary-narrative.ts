import { plainText, type Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { objectsOf } from './patient-reference.js';
import { findingsOf, modifiersOf, remarksOf } from './summary-modifiers.js';
import type { LeftOut } from './summary-sections.js';
import { dateText, type Find, nameOf, spokenType } from './summary-words.js';

/** The XHTML that a clinician reads. Everything that was sent is escaped. */

export function narrative(status: 'generated' | 'additional', body: string): object {
  return { status, div: `<div xmlns="http://www.w3.org/1999/xhtml">${body}</div>` };
}

export function escaped(text: string): string {
  return plainText(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export const paragraph = (text: string): string => `<p>${escaped(text)}</p>`;
export const warning = (text: string): string => `<p><b>${escaped(text)}</b></p>`;

/** A row an entry: what it is and says, when, and whose it is. */
export function tableOf(entries: readonly RecordEntry[], findFor: (entry: RecordEntry) => Find, now: number): string {
  const rows = entries.map((entry) => {
    const when = dateText(entry.occurredAt) ?? 'no date';
    return `<tr><td>${lineOf(entry, findFor(entry), now)}</td><td>${escaped(when)}</td><td>${escaped(entry.organisation)}</td></tr>`;
  });
  return `<table><thead><tr><th>What</th><th>When</th><th>From</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/** The name, what was found, and in brackets all that changes its meaning. */
function lineOf({ resource }: RecordEntry, find: Find, now: number): string {
  const found = [...findingsOf(resource), ...attachmentsOf(resource)];
  const findings = shortened([...found, ...remarksOf(resource)].join('; '));
  const modifiers = [...modifiersOf(resource, now), ...(found.length === 0 ? missingFindings(resource) : [])];
  const words = modifiers.length === 0 ? '' : ` <b>(${escaped(modifiers.join('; '))})</b>`;
  return `${escaped(nameOf(resource, find))}${findings === '' ? '' : `: ${escaped(findings)}`}${words}`;
}

const FINDINGS_CHARACTERS_MAX = 500;

const shortened = (text: string): string =>
  text.length <= FINDINGS_CHARACTERS_MAX ? text : `${text.slice(0, FINDINGS_CHARACTERS_MAX)}… (more in the entry)`;

function attachmentsOf({ resourceType, ...resource }: Resource): string[] {
  if (resourceType !== 'DiagnosticReport') return [];
  const [documents, results] = [objectsOf(resource['presentedForm']).length, objectsOf(resource['result']).length];
  return [
    ...(documents === 0 ? [] : [counted(documents, 'attached document')]),
    ...(results === 0 ? [] : [counted(results, 'result')]),
  ];
}

function missingFindings(resource: Resource): string[] {
  if (resource.resourceType === 'DiagnosticReport') return ['no result given'];
  const isSaid = ['dataAbsentReason', 'interpretation', 'hasMember'].some((member) => resource[member] !== undefined);
  return resource.resourceType === 'Observation' && !isSaid ? ['no value given'] : [];
}

const counted = (count: number, noun: string): string => `${count.toLocaleString('en-GB')} ${plural(noun, count)}`;

function plural(noun: string, count: number): string {
  if (count === 1) return noun;
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return /(s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;
}

/** Why entries are in no section, in the order in which it is said. Named where the name itself is a warning. */
const WHY: Readonly<Record<LeftOut, { readonly says: string; readonly names: boolean }>> = {
  refuted: { says: 'Refuted: it was thought, and is not so', names: true },
  'not-done': { says: 'Not done, not given or not taken', names: true },
  proposed: { says: 'Only proposed or planned', names: true },
  'not-begun': { says: 'Not begun', names: true },
  awaited: { says: 'Result awaited', names: true },
  ended: { says: 'Ended, stopped, completed or cancelled', names: false },
  superseded: { says: 'Earlier than the latest of the same kind, which is listed', names: false },
  mistaken: { says: 'Entered in error', names: false },
  other: { says: 'In no section of a summary', names: false },
};
const NAMED_MAX = 30;

/** What the reader may see and no section holds, so that nobody takes the summary for the whole. */
export function remainderText(
  remainder: readonly { readonly entry: RecordEntry; readonly why: LeftOut }[],
  findFor: (entry: RecordEntry) => Find,
): string {
  if (remainder.length === 0) return '';
  const items = (Object.keys(WHY) as LeftOut[]).flatMap((why) => {
    const entries = remainder.filter((one) => one.why === why).map(({ entry }) => entry);
    if (entries.length === 0) return [];
    const said = WHY[why].names ? `${namesOf(entries, findFor)}` : countsOf(entries);
    return [`<li>${escaped(`${WHY[why].says}: ${said}`)}</li>`];
  });
  const whole = counted(remainder.length, 'further entry');
  return `${paragraph(`The record holds ${whole} that no section of this summary lists:`)}<ul>${items.join('')}</ul>`;
}

function namesOf(entries: readonly RecordEntry[], findFor: (entry: RecordEntry) => Find): string {
  const names = entries.slice(0, NAMED_MAX).map((entry) => {
    const when = dateText(entry.occurredAt);
    return `${nameOf(entry.resource, findFor(entry))} (${spokenType(entry.resourceType)}${when === undefined ? '' : `, ${when}`})`;
  });
  const more = entries.length - names.length;
  return [...names, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function countsOf(entries: readonly RecordEntry[]): string {
  const counts = new Map<string, number>();
  for (const { resourceType } of entries) counts.set(resourceType, (counts.get(resourceType) ?? 0) + 1);
  return [...counts]
    .sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1))
    .map(([type, count]) => counted(count, spokenType(type)))
    .join(', ');
}
