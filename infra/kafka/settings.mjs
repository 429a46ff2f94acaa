// What a single KRaft node on the loopback address needs to know, and the secrets that it is formatted with.
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HOST = '127.0.0.1';
const SCRAM_ITERATIONS = 4096;
const secret = () => randomBytes(24).toString('base64url');

/** 16 bytes; the first is a small one, because the tools take an id that begins with a dash for an option. */
function clusterId() {
  const bytes = randomBytes(16);
  bytes[0] &= 0x7f;
  return bytes.toString('base64url');
}

/** Passwords and the cluster's id, made once for a directory and kept beside its data, readable by the owner only. */
export function secretsOf(dir, { sasl, users }) {
  const file = join(dir, 'secrets.json');
  if (existsSync(file)) {
    const secrets = JSON.parse(readFileSync(file, 'utf8'));
    // Users are written down when a directory is formatted: without them nobody could ever log in.
    if (secrets.sasl !== sasl)
      throw new Error(`${dir} was made ${secrets.sasl ? 'with' : 'without'} --sasl; take another directory`);
    return secrets;
  }
  const secrets = {
    sasl,
    clusterId: clusterId(),
    controller: secret(),
    users: Object.fromEntries(['admin', ...users].map((name) => [name, secret()])),
  };
  writeFileSync(file, JSON.stringify(secrets, undefined, 2), { mode: 0o600 });
  return secrets;
}

/** `--add-scram` arguments. The salted password and not the password: arguments are seen by every user of the machine. */
export function scramArguments(users) {
  return Object.entries(users).flatMap(([name, password]) => {
    const salt = randomBytes(16);
    const salted = pbkdf2Sync(password, salt, SCRAM_ITERATIONS, 64, 'sha512').toString('base64');
    const fields = `name="${name}",iterations=${SCRAM_ITERATIONS},salt="${salt.toString('base64')}",saltedpassword="${salted}"`;
    return ['--add-scram', `SCRAM-SHA-512=[${fields}]`];
  });
}

const login = (module, fields) =>
  `org.apache.kafka.common.security.${module} required ${Object.entries(fields)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ')};`;

/**
 * Everybody proves who he is and may do what an ACL says, nothing else. The controller listener takes PLAIN because SCRAM
 * secrets live in the metadata that the controller has yet to load.
 */
function saslSettings({ users, controller }) {
  return {
    'listener.security.protocol.map': 'CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'listener.name.client.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    'listener.name.client.scram-sha-512.sasl.jaas.config': login('scram.ScramLoginModule', {
      username: 'admin',
      password: users.admin,
    }),
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': login('plain.PlainLoginModule', {
      username: 'controller',
      password: controller,
      user_controller: controller,
    }),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:admin;User:controller',
    'allow.everyone.if.no.acl.found': 'false',
  };
}

/** Text of server.properties. `extra` overrides. */
export function serverProperties({ dir, port, controllerPort, sasl, secrets, extra = {} }) {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${HOST}:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'CLIENT',
    listeners: `CLIENT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}`,
    'advertised.listeners': `CLIENT://${HOST}:${port}`,
    'log.dirs': join(dir, 'data'),
    // One node: nothing can be kept twice.
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // Fifty partitions of offsets cost a single node seconds at every start and give nothing.
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    // A node that was killed is let in again only when its former session has run out (9 s unless told).
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '3000',
    // A mistyped topic is an error, not a new topic.
    'auto.create.topics.enable': 'false',
    // Events are kept until a topic says otherwise.
    'log.retention.hours': '-1',
    'log.cleaner.backoff.ms': '1000',
    ...(sasl ? saslSettings(secrets) : { 'listener.security.protocol.map': 'CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT' }),
    ...extra,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
