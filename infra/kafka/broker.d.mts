export interface BrokerOptions {
  /** SCRAM-SHA-512 and the StandardAuthorizer: who has no ACL may do nothing. Always a node of our own. */
  readonly sasl?: boolean;
  /** With `sasl`: users besides `admin`, each with a password of its own. */
  readonly users?: readonly string[];
  readonly port?: number;
  /** The JVM's -Xmx, default 512m. */
  readonly heap?: string;
  /** More server.properties. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Broker {
  /** `named`: WEFT_KAFKA_BROKERS, which is not ours to kill; `docker`, `maven`: a node of our own. */
  readonly kind: 'named' | 'docker' | 'maven';
  readonly brokers: string[];
  /** With `sasl`: the super user. */
  readonly admin?: { readonly username: string; readonly password: string };
  /** With `sasl`: every user's password. */
  readonly users?: Readonly<Record<string, string>>;
  /** kill -9. */
  kill(): Promise<void>;
  /** It holds its connections and answers nothing (SIGSTOP), until it is thawed. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Starts it again on the same directory and port, killed or not; resolves once it answers. */
  restart(): Promise<void>;
  /** Stops it cleanly and removes its directory. */
  stop(): Promise<void>;
}

/** There is no broker to be had on this machine; `message` says why. */
export class NoBroker extends Error {}

/** Java 17 and Kafka's jars, fetched once; gives the class path. Throws NoBroker. */
export function install(): Promise<string>;

/** Whether somebody on the port answers Kafka's ApiVersions request, which needs no authentication; `host` is 127.0.0.1. */
export function answers(port: number, host?: string): Promise<boolean>;

export function startBroker(options?: BrokerOptions): Promise<Broker>;

/** For test files: says aloud which broker it is, or why there is none. */
export function brokerOrReason(options?: BrokerOptions): Promise<{ readonly broker: Broker } | { readonly reason: string }>;
