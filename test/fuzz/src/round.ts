import { provision } from '@weft/domain';
import { consentOf } from '@weft/care-events';
import { careEventsTopic, CONSENT_TOPIC, type OutgoingMessage } from '@weft/processing';
import { missing, stalled, unaccounted } from './check.js';
import { inputsOf, type Input } from './inputs.js';
import { openRegion, type Region } from './region.js';
import { ORGANISATIONS, sound, WITNESSES } from './specimens.js';

export const INPUTS_A_ROUND = 150;
/** Messages are sent so many at a time, among the requests. */
const TOGETHER = 12;

export interface RoundResult {
  readonly inputs: number;
  /** Requests by the hundred of their status, and messages. */
  readonly counts: Readonly<Record<string, number>>;
  /** What broke; nothing is as it should be. */
  readonly findings: readonly string[];
}

/** One round in a region of its own: odd inputs, sound ones beside and behind them, and a look at what became of all. `only`: these alone. */
export async function runRound(seed: number, round: number, only?: ReadonlySet<number>): Promise<RoundResult> {
  const inputs = inputsOf(seed, round, INPUTS_A_ROUND).filter((_, index) => only === undefined || only.has(index));
  const region = await openRegion();
  const counts: Record<string, number> = {};
  try {
    const findings = await send(region, inputs, counts);
    await region.wiring.bus.publish(witnesses());
    findings.push(...(await stalled(region)));
    if (findings.length === 0) findings.push(...(await unaccounted(region)), ...(await missing(region, expected(), objecting())));
    return {
      inputs: inputs.length,
      counts,
      findings: [...findings, ...region.failures.map((text) => `a batch failed: ${text}`)],
    };
  } finally {
    await region.close();
  }
}

async function send(region: Region, inputs: readonly Input[], counts: Record<string, number>): Promise<string[]> {
  const findings: string[] = [];
  const count = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1);
  let waiting: OutgoingMessage[] = [];
  const flush = async (): Promise<void> => {
    if (waiting.length > 0) await region.wiring.bus.publish(waiting);
    waiting = [];
  };
  for (const input of inputs) {
    if (input.kind === 'message') {
      count('messages');
      waiting.push(input.message);
      if (waiting.length >= TOGETHER) await flush();
      continue;
    }
    const { status, body } = await region.ask(input);
    count(`${Math.floor(status / 100)}xx`);
    if (status >= 500 || body.includes('"unprocessable"'))
      findings.push(`${input.method} ${input.path} was answered ${status}: ${body.slice(0, 500)}`);
  }
  await flush();
  return findings;
}

/** A fact of each witness by each organisation, and an objection of every other one. */
export function witnesses(): OutgoingMessage[] {
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const headers = { 'content-type': 'application/cloudevents+json' };
  const facts = WITNESSES.flatMap((number) =>
    ORGANISATIONS.map((ods): OutgoingMessage => {
      const value = json(sound(number, ods, `w-${ods}`));
      return { topic: careEventsTopic(ods), key: number, headers, value };
    }),
  );
  return [
    ...facts,
    ...[...objecting()].map((number) => ({ topic: CONSENT_TOPIC, key: number, headers, value: json(objection(number)) })),
  ];
}

export const objecting = (): ReadonlySet<string> => new Set(WITNESSES.filter((_, index) => index % 2 === 0));

function objection(subject: string): object {
  const data = consentOf({
    ...{ subject, consentId: 'w', authority: 'local-dissent', status: 'active', decidedBy: 'patient' },
    ...{ decidedAt: '2026-01-01T10:00:00.000Z', provision: provision('deny', ['research']) },
  });
  const attributes = { specversion: '1.0', id: 'w', source: 'urn:ods:Y90001', type: 'consent-decision-recorded-1', subject };
  return { ...attributes, time: '2026-01-01T10:00:00Z', datacontenttype: 'application/fhir+json', data };
}

export function expected(): ReadonlyMap<string, readonly string[]> {
  return new Map(WITNESSES.map((number) => [number, ORGANISATIONS.map((ods) => `${ods}/Condition/w-${ods}`)]));
}
