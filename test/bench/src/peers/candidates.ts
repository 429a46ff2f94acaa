import { join } from 'node:path';
import { emptied } from '../data-sets.js';
import { inProcess, type Candidate } from '../rounds.js';
import type { Context } from '../work.js';
import type { PeerName, PeerPlace } from './peer.js';

export const PEERS_WORKER = new URL('../peers.worker.js', import.meta.url);

/** Peers as candidates of a work, each round on a store of its own that holds nothing yet. */
export function peerCandidates(
  context: Context,
  peers: readonly PeerName[],
  candidate: 'replay' | 'ingest' | 'decide',
  parameters: Readonly<Record<string, unknown>>,
): Candidate[] {
  // Where Weft's own time goes is no matter of theirs.
  if (context.profiles !== undefined) return [];
  return peers.map((peer) => ({
    name: peer,
    run: async () => {
      const place = await emptyPlace(context, peer);
      return inProcess({ ...context, profiles: undefined }, PEERS_WORKER, candidate, { ...parameters, ...place, peer });
    },
  }));
}

/** Throws Missing where the peer needs a server that is not installed. */
export async function emptyPlace(context: Context, peer: PeerName): Promise<PeerPlace> {
  const directory = emptied(join(context.directory, 'peer'));
  if (peer === 'emmett on SQLite') return { directory, database: null };
  return { directory, database: await (await context.postgres()).database('bench') };
}
