import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Messages with what must come of them: beside the checkout, or wherever WEFT_HL7V2_CASES says. */
const CASES = process.env['WEFT_HL7V2_CASES'] ?? fileURLToPath(new URL('../../../../shared/cases/hl7v2', import.meta.url));

export const whereThereAreCases = existsSync(CASES) ? describe : describe.skip;

export interface WireStep {
  readonly send?: string;
  readonly sendUtf8?: string;
  readonly splitAfterByte?: number;
  readonly pauseMs?: number;
  readonly halfClose?: boolean;
  readonly repeat?: string;
  readonly bytes?: number;
}

export interface Case {
  readonly id: string;
  readonly about: string;
  readonly wire?: readonly WireStep[];
  readonly messages?: readonly string[];
  readonly expect: {
    readonly acks: readonly string[];
    readonly handled?: readonly string[];
    readonly faults?: readonly string[];
    readonly family?: string;
    readonly reason?: string;
    readonly events?: number;
  };
}

/** Those whose id begins so. */
export function casesOf(prefix: string): Case[] {
  if (!existsSync(CASES)) return [];
  return readdirSync(CASES)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(CASES, name), 'utf8')) as Case);
}

/** The bytes of a case's message: of its first one, or of the one of this number. */
export const bytesOfCase = (id: string, number?: number): Uint8Array =>
  Uint8Array.from(readFileSync(join(CASES, `${id}${number === undefined ? '' : `.${number}`}.hl7`)));
