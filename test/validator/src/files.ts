import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Loose = Readonly<Record<string, unknown>>;
export interface Named {
  readonly name: string;
  readonly resource: Loose;
}

/** The sample region: FHIR Bundles by `<ODS code>/<NHS number>.json`, beside the checkout or wherever WEFT_SAMPLES says. */
export const SAMPLES = process.env['WEFT_SAMPLES'] ?? fileURLToPath(new URL('../../../../shared/data/fhir', import.meta.url));

export const readJsonFile = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, ''));

/** Every resource of the sample region. */
export function samples(directory: string): Named[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => (readJsonFile(join(directory, name)) as { entry: { resource: Loose }[] }).entry)
    .map(({ resource }) => ({ name: `${String(resource['resourceType'])}/${String(resource['id'])}`, resource }));
}

/** Larger ones take a second opinion seconds. */
const SMALL = 100_000;

export const isSmall = ({ resource }: Named): boolean => JSON.stringify(resource).length <= SMALL;

/** The resources of HL7's package of R4 examples (hl7.fhir.r4.examples 4.0.1), unpacked. */
export function examples(directory: string): Named[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, resource: readJsonFile(join(directory, name)) as Loose }))
    .filter(({ resource }) => typeof resource['resourceType'] === 'string');
}
