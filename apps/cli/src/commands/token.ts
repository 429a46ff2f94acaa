import { issueToken, type Role, ROLES, systemClock } from '@weft/service';
import { Command } from 'commander';
import { duration, ods, roles } from '../arguments.js';
import { type Context, settingsOf } from '../context.js';
import { EXIT, Failure } from '../failure.js';

interface Options {
  readonly role: readonly Role[];
  readonly org?: string;
  readonly subject?: string;
  readonly expiresIn: number;
}

export function tokenCommand(context: Context): Command {
  return new Command('token')
    .summary('issue a bearer token from the local key')
    .description('Issues a bearer token, signed with the key in the data directory, for trying things by hand.')
    .requiredOption('--role <role>', `${ROLES.join(', ')}; may be repeated`, roles)
    .option('--org <ods>', 'ODS code of the organisation that it speaks for; a publisher needs one', ods)
    .option('--subject <who>', 'who it stands for, as the audit will name them', 'weft-cli')
    .option('--expires-in <duration>', 'like 15m, 8h, 7d', duration, 3_600)
    .addHelpText(
      'after',
      `
Examples:
  $ weft token --role publisher --org RX901
  $ curl -H "Authorization: Bearer $(npx weft token --role operations)" \\
      http://127.0.0.1:8080/metrics`,
    )
    .action(async ({ role, org, subject, expiresIn }: Options, command: Command) => {
      const settings = settingsOf(context, command);
      if (settings.tokens.jwksUrl !== undefined) {
        throw new Failure(EXIT.usage, 'tokens come from the issuer of WEFT_JWKS_URL, not from here');
      }
      if (role.includes('publisher') && org === undefined) {
        throw new Failure(EXIT.usage, 'a publisher speaks for an organisation', 'say which with --org, like --org RX901');
      }
      const request = { roles: role, subject, expiresIn, ...(org !== undefined && { organisation: org }) };
      const token = await issueToken(settings, systemClock, request);
      if (context.terminal.json) context.terminal.printJson({ token, ...request });
      else context.terminal.print(token);
    });
}
