import { readJson } from '@weft/care-events';
import { adoptionProblems, type PolicyDocument } from '@weft/domain';
import { EXIT, Failure } from '../failure.js';
import { textOf } from '../given-file.js';

/** A policy document that may come into force. Throws Failure with every fault: a misspelt condition would share what nobody meant to. */
export async function readPolicy(file: string): Promise<PolicyDocument> {
  const document = await documentIn(file);
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

/** The JSON of a file. Throws Failure. */
export async function documentIn(file: string): Promise<unknown> {
  const bytes = Buffer.from(await textOf(file));
  const reading = readJson(bytes, 'document', bytes.length);
  if (reading.ok) return reading.event;
  const repeated = reading.problems.find(({ code }) => code === 'repeated-member');
  if (repeated !== undefined)
    throw new Failure(EXIT.usage, `${file} holds a member that ${repeated.message} (${repeated.field})`);
  throw new Failure(EXIT.usage, `${file} holds no JSON`, '`weft policy show --json > policy.json` writes one to begin with');
}
