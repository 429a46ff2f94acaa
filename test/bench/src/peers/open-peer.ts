import type { Peer, PeerName, PeerPlace } from './peer.js';

export async function openPeer(name: PeerName, place: PeerPlace): Promise<Peer> {
  switch (name) {
    case 'emmett on SQLite':
      return (await import('./emmett-sqlite.js')).openEmmettSqlite(place.directory);
    case 'emmett on PostgreSQL':
      return (await import('./emmett-postgresql.js')).openEmmettPostgresql(place.database as string);
    case 'Nest and PostgreSQL':
      return (await import('./table-and-view.js')).openTableAndView(place.database as string);
  }
}
