import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { messagesIn, readMessage, readMessages, type Message } from '@weft/hl7v2';

/** HAPI HL7 v2, and the program that asks it. */
const HAPI = fileURLToPath(new URL('./hapi', import.meta.url));
const SHARED = fileURLToPath(new URL('../../../shared/', import.meta.url));
/** Directories of messages as files (.hl7): beside the checkout, or those that WEFT_HL7V2_SAMPLES names, separated by colons. */
const SAMPLES = (process.env['WEFT_HL7V2_SAMPLES'] ?? `${SHARED}cases/hl7v2:${SHARED}data/hl7v2`)
  .split(':')
  .filter((path) => existsSync(path));
const MUTATED = Number(process.env['WEFT_HL7V2_MUTATED'] ?? 4_000);
const AT_ONCE = 4_000;

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const isHere = SAMPLES.length > 0 && runs('javac', '-version') && runs('mvn', '--version');
const whereThereIsHapi = isHere ? describe : describe.skip;

/** By place (segment and its index, field, repetition, component, subcomponent): what is not empty. */
type Values = ReadonlyMap<string, string>;

whereThereIsHapi('HAPI HL7 v2 (needs a JDK 17, Maven and sample messages)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-hl7v2-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('reads the same value at every place of every sample, and of thousands of changed ones', () => {
    const texts = samples();
    expect(texts.length).toBeGreaterThan(100);
    let [read, compared] = [0, 0];
    const differences: string[] = [];
    for (let seed = 0; seed * AT_ONCE < MUTATED; seed += 1) {
      const asked = [...(seed === 0 ? texts : []), ...fc.sample(mutated(texts), { numRuns: Math.min(AT_ONCE, MUTATED), seed })];
      for (const [index, theirs] of ask(directory, asked).entries()) {
        if (theirs === null) continue;
        const ours = valuesOf(readMessages(asked[index]!)[0]!);
        const places = new Set([...ours.keys(), ...theirs.keys()]);
        [read, compared] = [read + 1, compared + places.size];
        const unlike = [...places].filter((place) => !areAlike(ours.get(place) ?? '', theirs.get(place) ?? ''));
        differences.push(...unlike.map((place) => `${place}: ${ours.get(place)}, HAPI: ${theirs.get(place)}`));
      }
    }
    process.stdout.write(`${compared} values of ${read} messages compared\n`);
    expect(differences).toEqual([]);
    // What it refuses is compared with nothing: a header of three marks, a line whose name is none.
    expect(read).toBeGreaterThan(MUTATED * 0.8);
  }, 3_600_000);
});

/**
 * What differs is what HAPI makes of an escape character (a backslash, and in one sample `%`): it leaves line breaks, emphasis and hexadecimal
 * bytes as they were sent, drops one that begins no sequence (P is none to it), and takes what begins as one of its sequences does
 * (`C:\\MIME\\F\\`) for one, up to the next. And it keeps a line feed before the end of a segment.
 */
function areAlike(ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  const read = theirs
    .replace(/\\X([0-9A-F]{2})\\/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    .replaceAll('\\.br\\', '\n')
    .replace(/\\[HN]\\/g, '');
  const bare = (text: string): string => text.replace(/[\\%]/g, '').replaceAll('#', 'P').trimEnd();
  return bare(ours) === bare(read) || (/\\[CMXZ.]/.test(ours) && /\\[CMXZ.]/.test(theirs));
}

/** Each as text with CR between its segments, as HAPI wants them. */
function samples(): string[] {
  const files = SAMPLES.flatMap((path) =>
    readdirSync(path)
      .filter((name) => name.endsWith('.hl7'))
      .map((name) => join(path, name)),
  );
  return files
    .flatMap((file) => messagesIn(Uint8Array.from(readFileSync(file))).messages)
    .map((bytes) =>
      readMessage(bytes)!
        .message.segments.map(({ raw }) => `${raw}\r`)
        .join(''),
    );
}

const PUT = ['\rZZZ|1', ' ', ...'| || ^ ~ & \\ "" \\T\\ \\.br\\ \\X41\\ \\H\\ \\Z1\\ \\E F\\ x é'.split(' ')];

/** One to five places behind MSH changed to what means something; each line still begins as a segment does, or HAPI refuses it. */
function mutated(texts: readonly string[]): fc.Arbitrary<string> {
  const change = fc.record({ at: fc.nat(1_000_000), cut: fc.nat(3), put: fc.constantFrom(...PUT) });
  return fc
    .tuple(fc.constantFrom(...texts), fc.array(change, { minLength: 1, maxLength: 5 }))
    .map(([text, changes]) => changes.reduce(changedAt, text))
    .filter((text) => text.split('\r').every((line) => /^([A-Z][A-Z0-9]{2}[|$]|$)/.test(line)));
}

function changedAt(text: string, { at, cut, put }: { readonly at: number; readonly cut: number; readonly put: string }): string {
  const head = text.indexOf('\r') + 1;
  const place = head + (at % Math.max(1, text.length - head));
  return text.slice(0, place) + put + text.slice(place + cut);
}

function valuesOf(message: Message): Values {
  const values = new Map<string, string>();
  for (const segment of message.segments) {
    for (let number = 1; segment.field(number).raw !== undefined; number += 1) {
      for (const [repetition, { components }] of segment.field(number).repetitions.entries()) {
        for (const [component, { subcomponents }] of components.entries()) {
          for (const [subcomponent, { value }] of subcomponents.entries()) {
            const place = [`${segment.name}${segment.index}`, number, repetition + 1, component + 1, subcomponent + 1].join('.');
            if (value !== '') values.set(place, value ?? '""');
          }
        }
      }
    }
  }
  return values;
}

/** What HAPI reads of each; null where it refuses. */
function ask(directory: string, texts: readonly string[]): (Values | null)[] {
  const [classpath, input] = [join(directory, 'classpath'), join(directory, 'messages')];
  if (!existsSync(classpath)) {
    execFileSync('mvn', ['-q', '-B', 'dependency:build-classpath', `-Dmdep.outputFile=${classpath}`], { cwd: HAPI });
  }
  writeFileSync(input, texts.map((text) => `${Buffer.from(text).toString('base64')}\n`).join(''));
  const printed = execFileSync('java', ['-cp', readFileSync(classpath, 'utf8'), join(HAPI, 'Read.java'), input], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = printed.split('\n').slice(0, -1);
  expect(lines).toHaveLength(texts.length);
  return lines.map((line) => (line.startsWith('refused\t') ? null : new Map(line.split('\t').map(valueOf))));
}

function valueOf(part: string): [string, string] {
  const [place = '', value = ''] = part.split(/=(.*)/s);
  return [place, Buffer.from(value, 'base64').toString()];
}
