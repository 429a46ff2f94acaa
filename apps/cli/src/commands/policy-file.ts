import { adoptionProblems, type PolicyDocument } from '@weft/domain';
import { readFile } from 'node:fs/promises';
import { EXIT, Failure } from '../failure.js';

/** A policy document that may come into force. Throws Failure with every fault: a misspelt condition would share what nobody meant to. */
export async function readPolicy(file: string): Promise<PolicyDocument> {
  const document = await readJson(file);
  const problems = adoptionProblems(document);
  if (problems.length === 0) return document as PolicyDocument;
  throw new Failure(EXIT.finding, [`${file} cannot be adopted:`, ...problems.map(lineOf), ...floorOf(problems)].join('\n  '));
}

type Problems = ReturnType<typeof adoptionProblems>;

function lineOf(problem: Problems[number]): string {
  return `${problem.field === '' ? 'the document' : problem.field} ${'found' in problem ? problem.found : problem.message}`;
}

/** The rules of the floor that were met, each once, and their law. */
function floorOf(problems: Problems): string[] {
  const floor = new Map(problems.flatMap((problem) => ('floor' in problem ? [[problem.floor.id, problem.floor]] : [])));
  return [...floor.values()].flatMap(({ id, sentence, law }) => [`Floor rule ${id}: ${sentence}`, `  Law: ${law}`]);
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (error) {
    const why =
      error instanceof SyntaxError
        ? 'holds no JSON'
        : `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
    throw new Failure(EXIT.usage, `${file} ${why}`);
  }
}
