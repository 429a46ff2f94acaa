/** What to do about what the system answers, by its code. */
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'this user may not read or write there: run it as the owner, or let the owner change who may',
  EPERM: 'this user may not do that there: run it as the owner, or let the owner change who may',
  EROFS: 'it is mounted read-only: name another place, or have it mounted for writing',
  ENOENT: 'it is not there: check how the path is written, and in which directory this runs',
  ENOTDIR: 'a part of the path is a file and no directory: check how it is written',
  EISDIR: 'it is a directory where a file is wanted: name the file in it',
  ELOOP: 'its links lead to each other: name the place itself',
  ENAMETOOLONG: 'the path is too long: name a shorter one',
  ENOSPC: 'the disk is full: make room, then run it again; what was acknowledged is kept',
  EDQUOT: 'the quota of this user is used up: make room, then run it again; what was acknowledged is kept',
  EIO: 'the disk reports an error: look into the system’s log before anything else',
  EMFILE: 'this process may not open more files: raise its limit (ulimit -n)',
  ENFILE: 'the machine may not open more files: something on it holds very many',
  EADDRINUSE: 'another process has the address: stop that one, or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address: check what it is told to listen on',
  ECONNREFUSED: 'nothing listens there: is it running, and is this its address?',
  ENOTFOUND: 'no machine of that name is known: check how the address is written',
  EAI_AGAIN: 'names cannot be looked up now: is the network there?',
  EHOSTUNREACH: 'there is no way to that machine from here: check the network, or what lies between',
  ENETUNREACH: 'there is no way to that network from here: check the network, or what lies between',
  ETIMEDOUT: 'no answer came in time: check the network, or what lies between',
  UND_ERR_CONNECT_TIMEOUT: 'no answer came in time: check the network, or what lies between',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time: it is very busy, or something else answers there',
  ECONNRESET: 'it hung up: it may be restarting, or another program has the address',
  UND_ERR_SOCKET: 'it hung up: it may be restarting, or another program has the address',
  HPE_INVALID_CONSTANT: 'what answers does not speak HTTP: check the port, and whether it is https://',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what answers does not speak TLS: is it http:// and not https://?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'what answers does not speak TLS: is it http:// and not https://?',
  EPROTO: 'what answers does not speak TLS: is it http:// and not https://?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody known: NODE_EXTRA_CA_CERTS names a file of who signs',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by nobody known: NODE_EXTRA_CA_CERTS names a file of who signs',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by nobody known: NODE_EXTRA_CA_CERTS names a file of who signs',
  CERT_HAS_EXPIRED: 'its certificate has expired: whoever runs it has to renew it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is of another name: use the name that stands in it',
};

/** By SQLite's primary result codes, https://sqlite.org/rescode.html. */
const AS_SQLITE: Readonly<Record<number, string>> = {
  3: 'EACCES',
  8: 'EACCES',
  10: 'EIO',
  13: 'ENOSPC',
  14: 'EACCES',
};

interface Caused {
  readonly code?: unknown;
  readonly errcode?: unknown;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

/** The system's code behind an error, however often it was wrapped; undefined where there is none that is known here. */
export function systemCode(error: unknown): string | undefined {
  if (error === null || typeof error !== 'object') return undefined;
  const { code, errcode, cause, errors = [] } = error as Caused;
  if (typeof code === 'string' && code in ADVICE) return code;
  if (typeof errcode === 'number' && (errcode & 0xff) in AS_SQLITE) return AS_SQLITE[errcode & 0xff];
  return systemCode(cause) ?? errors.map(systemCode).find((found) => found !== undefined);
}

export function adviceOnSystem(error: unknown): string | undefined {
  const code = systemCode(error);
  return code === undefined ? undefined : ADVICE[code];
}
