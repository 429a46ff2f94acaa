import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { nhsNumber } from './arguments.js';
import type { Context } from './context.js';
import { EXIT, Failure } from './failure.js';
import { adviceOnSystem } from './system-advice.js';

const CHARACTERS_MAX = 100;

/**
 * NHS numbers that stand elsewhere than in the command line, which every user of a machine may list: `-` is replaced by a line of
 * standard input, asked for where that is a terminal, and `@<file>` by what is in the file.
 */
export async function readNumbers(command: Command, context: Context): Promise<void> {
  const taken = command.processedArgs as unknown[];
  for (const [index, { parseArg }] of command.registeredArguments.entries()) {
    if (parseArg === nhsNumber && typeof taken[index] === 'string') taken[index] = await numberAt(taken[index], context);
  }
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (option.parseArg !== nhsNumber || typeof value !== 'string') continue;
    command.setOptionValue(option.attributeName(), await numberAt(value, context));
  }
}

async function numberAt(given: string, context: Context): Promise<string> {
  if (given !== '-' && !given.startsWith('@')) return given;
  const text = given === '-' ? await lineOf(context) : await fileOf(given.slice(1));
  try {
    return nhsNumber(text.trim());
  } catch (error) {
    throw new Failure(EXIT.usage, `the NHS number that was read is none: ${(error as Error).message}`);
  }
}

async function lineOf({ stdin, terminal }: Context): Promise<string> {
  const isAsked = (stdin as NodeJS.ReadStream).isTTY === true;
  if (isAsked) terminal.err.write('NHS number: ');
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    for await (const line of lines) if (line.trim() !== '') return line.slice(0, CHARACTERS_MAX);
  } finally {
    lines.close();
  }
  throw new Failure(EXIT.usage, 'there is no NHS number on standard input');
}

async function fileOf(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).slice(0, CHARACTERS_MAX);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Failure(EXIT.usage, `the file with the NHS number cannot be read (${code})`, adviceOnSystem(error));
  }
}
