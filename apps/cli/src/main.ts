import { EXIT } from './failure.js';
import { run } from './program.js';
import { Terminal } from './terminal.js';

const { stdout, stderr, env, stdin } = process;

// `weft record … | head` ends the pipe early; that is no error of ours.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.fault));

process.exitCode = await run(process.argv.slice(2), {
  terminal: new Terminal(stdout, stderr, env),
  env,
  stdin,
  exitCode: EXIT.ok,
});
