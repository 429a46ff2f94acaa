// npm test: the build, the checks, then every test; all of them even when one fails. The last line counts the tests, from
// jest's own report. `npm test -- libs/domain` hands its arguments to jest and leaves the checks out.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { buildAll } from './build.mjs';

const CHECKS = ['format', 'lint', 'boundaries', 'types', 'dead-code'];
const AT_ONCE = 2;

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** Runs to the end and gives its exit code, how long it took, and what it wrote unless that went to the terminal. */
function run(command, args, { quiet, env }) {
  const started = Date.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'], env });
    const output = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => output.push(chunk));
    const end = (code) =>
      resolve({ ok: code === 0, took: Date.now() - started, output: Buffer.concat(output).toString().trim() });
    child.once('error', (error) => (output.push(Buffer.from(error.message)), end(-1)));
    child.once('close', end);
  });
}

function report(name, { ok, took, output }) {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${seconds(took)}`);
  if (!ok && output) console.log(output.replace(/^/gm, '       '));
  return ok;
}

async function builds() {
  try {
    return report('build', { ok: true, took: await buildAll() });
  } catch (error) {
    return report('build', { ok: false, took: 0, output: error.message });
  }
}

/** As many at once as the machine has to spare; each prints its line when it ends. Gives the names of those that failed. */
async function check(names) {
  const waiting = [...names];
  const failed = [];
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const result = await run('npm', ['run', '--silent', `check:${name}`], { quiet: true, env: process.env });
      if (!report(name, result)) failed.push(name);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return failed;
}

/** Jest's report, or null where jest did not come as far as writing one. */
async function jest(args) {
  const directory = mkdtempSync(join(tmpdir(), 'weft-test-'));
  const outputFile = join(directory, 'report.json');
  // Two workers even on two cores: most suites wait for disks and brokers.
  const workers = Math.max(2, availableParallelism() - 1);
  const options = ['--json', `--outputFile=${outputFile}`, `--maxWorkers=${workers}`, '--testLocationInResults=false', ...args];
  try {
    const result = await run('npm', ['run', '--silent', 'jest', '--', ...options], { quiet: false, env: process.env });
    const written = JSON.parse(readFileSync(outputFile, 'utf8'));
    return { result, written };
  } catch (error) {
    console.log(`jest wrote no report: ${error.message}`);
    return null;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What was left out, a line for each suite: the title of a skipped suite says why. */
function skippedSuites({ testResults }) {
  const lines = new Map();
  for (const { name, assertionResults } of testResults) {
    for (const { status, ancestorTitles, title } of assertionResults) {
      if (status !== 'pending' && status !== 'todo') continue;
      const line = `${relative(process.cwd(), name)}: ${ancestorTitles[0] ?? title}`;
      lines.set(line, (lines.get(line) ?? 0) + 1);
    }
  }
  return [...lines].map(([line, count]) => `skipped ${line} (${count} ${count === 1 ? 'test' : 'tests'})`);
}

/** A suite that could not even be loaded is one failure more than the tests that it holds show. */
function closingLine(written) {
  if (written === null) return '0 passed, 1 failed';
  const failed = written.numFailedTests + written.numRuntimeErrorTestSuites;
  const skipped = written.numPendingTests + written.numTodoTests;
  return `${written.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

const jestArguments = process.argv.slice(2);
const failed = [];
if (!(await builds())) failed.push('build');
if (jestArguments.length === 0) failed.push(...(await check(CHECKS)));
const tests = await jest(jestArguments);
if (tests === null || !tests.result.ok) failed.push('jest');
if (tests !== null) report('jest', { ...tests.result, output: '' });

for (const line of tests === null ? [] : skippedSuites(tests.written)) console.log(line);
if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
console.log(closingLine(tests?.written ?? null));
process.exitCode = failed.length > 0 ? 1 : 0;
