import { createHmac } from 'node:crypto';
import { readJson } from '@weft/care-events';
import { isObject } from '@weft/domain';
import { type Clock, EngineUnavailable, type Random, type Timers } from '@weft/processing';
import type { Delivery, Inbox } from '../ports.js';
import { call, type ClientTls, type HttpAnswer } from './call.js';

export interface MeshMailbox {
  /** Of the MESH API, without a slash at its end: `https://msg.intspineservices.nhs.uk`. */
  readonly url: string;
  readonly mailbox: string;
  readonly password: string;
  /** Of the environment: one for all mailboxes. */
  readonly sharedKey: string;
  /** Between two looks into the inbox. */
  readonly pollSeconds: number;
  readonly tls?: ClientTls;
}

type World = { readonly clock: Clock; readonly timers: Timers; readonly random: Random };

/** As many are read before anything of them is stored. */
const MESSAGES_MAX = 100;

/** A MESH mailbox. What is not acknowledged stays there for five days, and is then returned to its sender. */
export function openMeshInbox(mailbox: MeshMailbox, world: World): Inbox {
  const inbox = `${mailbox.url}/messageexchange/${mailbox.mailbox}/inbox`;
  /** Whether the next look waits: nothing more was there at the last one. */
  let isEmpty = false;
  return {
    kind: 'mesh',
    async receive(signal) {
      if (isEmpty) await world.timers.sleep(mailbox.pollSeconds * 1_000, signal);
      if (signal.aborted) return [];
      isEmpty = true;
      const ids = idsIn(await callMesh(mailbox, world, 'GET', inbox, 'the inbox'));
      const deliveries: Delivery[] = [];
      for (const id of ids.slice(0, MESSAGES_MAX)) {
        const { status, body: whole } = await callMesh(mailbox, world, 'GET', `${inbox}/${id}`, 'a message');
        // Somebody else who reads this mailbox has acknowledged it.
        if (status === 404 || status === 410) continue;
        // In parts: no signal is as long as that.
        const body = status === 206 ? null : whole;
        const acknowledge = async (): Promise<void> =>
          void (await callMesh(mailbox, world, 'PUT', `${inbox}/${id}/status/acknowledged`, 'an acknowledgement'));
        deliveries.push({ id, body, acknowledge });
      }
      isEmpty = ids.length <= MESSAGES_MAX;
      return deliveries;
    },
  };
}

async function callMesh(
  mailbox: MeshMailbox,
  world: World,
  method: 'GET' | 'PUT',
  url: string,
  what: string,
): Promise<HttpAnswer> {
  const headers = { authorization: meshAuthorization(mailbox, world), accept: 'application/vnd.mesh.v2+json' };
  const answer = await call('mesh', url, { method, headers, ...(mailbox.tls !== undefined && { tls: mailbox.tls }) });
  if (![200, 206, 404, 410].includes(answer.status))
    throw new EngineUnavailable('mesh', `refuses ${what} (HTTP ${answer.status})`);
  return answer;
}

/** MESH API: `NHSMESH <mailbox>:<nonce>:<count>:<yyyyMMddHHmm>:<HMAC-SHA-256 of mailbox, nonce, count, password and time>`. */
function meshAuthorization({ mailbox, password, sharedKey }: MeshMailbox, { clock, random }: World): string {
  const [nonce, count] = [random.uuid(), '0'];
  const time = new Date(clock.now()).toISOString().replace(/\D/g, '').slice(0, 12);
  const signed = [mailbox, nonce, count, password, time].join(':');
  const hash = createHmac('sha256', sharedKey).update(signed).digest('hex');
  return `NHSMESH ${[mailbox, nonce, count, time, hash].join(':')}`;
}

function idsIn({ body }: HttpAnswer): string[] {
  const reading = readJson(body, 'inbox', body.length);
  const ids = reading.ok && isObject(reading.event) ? reading.event['messages'] : null;
  if (Array.isArray(ids) && ids.every((id): id is string => typeof id === 'string' && /^[\w-]{1,64}$/.test(id))) return ids;
  throw new EngineUnavailable('mesh', 'answers with no list of messages');
}
