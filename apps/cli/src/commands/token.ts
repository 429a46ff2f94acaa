import { type Purpose, PURPOSES } from '@weft/domain';
import { issueToken, NoRegion, type Role, ROLES, systemClock, TokenTooLong } from '@weft/service';
import { Command } from 'commander';
import { duration, ods, purposes, roles } from '../arguments.js';
import { type Context, settingsOf } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { isRegionHere } from '../region-here.js';

interface Options {
  readonly role: readonly Role[];
  readonly org?: string;
  readonly purpose?: readonly Purpose[];
  readonly subject?: string;
  readonly expiresIn: number;
}

export function tokenCommand(context: Context): Command {
  return new Command('token')
    .summary('issue a bearer token from the local key')
    .description('Issues a bearer token, signed with the key in the data directory, for trying things by hand.')
    .requiredOption('--role <role>', `${ROLES.join(', ')}; may be repeated`, roles)
    .option(
      '--org <ods>',
      'ODS code of the organisation that it speaks for; publishers, clinicians and subscribers need one',
      ods,
    )
    .option('--purpose <purpose>', `what a subscriber reads for: ${PURPOSES.join(', ')}; may be repeated`, purposes)
    .option('--subject <who>', 'who it stands for, as the audit will name them', 'weft-cli')
    .option('--expires-in <duration>', 'like 15m, 8h; at most what WEFT_LOCAL_TOKEN_HOURS says (12h)', duration, 3_600)
    .addHelpText(
      'after',
      `
Examples:
  $ weft token --role publisher --org RX901
  $ weft token --role subscriber --purpose research --org RX901 --expires-in 8h
  $ curl -H "Authorization: Bearer $(npx weft token --role operations)" \\
      http://127.0.0.1:8080/metrics`,
    )
    .action(async (options: Options, command: Command) => {
      const { role, org, purpose, subject, expiresIn } = options;
      const settings = settingsOf(context, command);
      if (settings.tokens.jwksUrl !== undefined) {
        throw new Failure(EXIT.usage, 'tokens come from the issuer of WEFT_JWKS_URL, not from here');
      }
      refuseUseless(options);
      if (settings.eventStoreUrl === undefined && !isRegionHere(settings.dataDirectory)) throw new NoRegion(settings);
      const about = { ...(org !== undefined && { organisation: org }), ...(purpose !== undefined && { purposes: purpose }) };
      const request = { roles: role, subject, expiresIn, ...about };
      const token = await issueToken(settings, systemClock, request).catch((error: unknown) => {
        if (!(error instanceof TokenTooLong)) throw error;
        throw new Failure(
          EXIT.usage,
          error.message,
          'ask for less with --expires-in, or set WEFT_LOCAL_TOKEN_HOURS for Weft and for this command',
        );
      });
      if (context.terminal.json) context.terminal.printJson({ token, ...request });
      else context.terminal.print(token);
    });
}

/** Throws Failure for a token that Weft would refuse wherever it is shown. */
function refuseUseless({ role, org, purpose }: Options): void {
  const speaks = role.find((one) => one === 'publisher' || one === 'clinician' || one === 'subscriber');
  if (speaks !== undefined && org === undefined) {
    throw new Failure(EXIT.usage, `a ${speaks} speaks for an organisation`, 'say which with --org, like --org RX901');
  }
  const subscribes = role.includes('subscriber');
  if (subscribes && purpose === undefined) {
    throw new Failure(EXIT.usage, 'a subscriber reads for purposes', 'say which with --purpose, like --purpose research');
  }
  if (!subscribes && purpose !== undefined) {
    throw new Failure(EXIT.usage, 'only a subscriber’s token names purposes', 'add --role subscriber, or leave --purpose out');
  }
}
