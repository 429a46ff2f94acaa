import { readJson } from '@weft/care-events';
import { type Tables, tablesIn } from '@weft/hl7v2';
import type { Settings } from '@weft/service';
import { EXIT, Failure } from './failure.js';
import { textOf } from './given-file.js';

/** The option of commands that may map by other tables than those in the settings. */
export const TABLES = ['--tables <file>', 'JSON: tables laid over Weft’s, instead of those of WEFT_HL7V2_TABLES'] as const;

/** Those of a file, else those in the settings. Throws Failure with everything that is wrong with the file. */
export async function tablesOf(settings: Pick<Settings, 'hl7v2Tables'>, file: string | undefined): Promise<Tables> {
  if (file === undefined) return settings.hl7v2Tables;
  const bytes = Buffer.from(await textOf(file));
  const reading = readJson(bytes, 'tables', bytes.length);
  if (!reading.ok) throw new Failure(EXIT.usage, `${file} holds no JSON`);
  const { tables, faults } = tablesIn(reading.event);
  if (faults.length === 0) return tables;
  throw new Failure(EXIT.finding, [`${file} cannot be used:`, ...faults].join('\n  '));
}
