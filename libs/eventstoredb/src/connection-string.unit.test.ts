import { InvalidCall } from '@weft/processing';
import { parseConnectionString } from './connection-string.js';

const PEM = Buffer.from('pem');
const parse = (text: string) => parseConnectionString(text, () => PEM);

const refusalOf = (text: string): string => {
  try {
    parseConnectionString(text, () => {
      throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    });
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidCall);
    return (error as Error).message;
  }
  throw new Error(`${text} was accepted`);
};

describe('a connection string', () => {
  it('names hosts, with the usual port where none is given', () => {
    expect(parse('esdb://store.example.nhs.uk?tls=false')).toMatchObject({
      hosts: ['store.example.nhs.uk:2113'],
      discover: false,
    });
    expect(parse('esdb://a:1,b:2,c').hosts).toEqual(['a:1', 'b:2', 'c:2113']);
    expect(parse('esdb://[::1]:2114/').hosts).toEqual(['[::1]:2114']);
    expect(parse('esdb+discover://cluster.example:2113')).toMatchObject({ hosts: ['cluster.example:2113'], discover: true });
    expect(parse('kurrentdb://a')).toMatchObject({ hosts: ['a:2113'] });
  });

  it('means TLS unless it says otherwise, with the certificates that it names', () => {
    expect(parse('esdb://a').tls).toEqual({});
    expect(parse('esdb://a?tls=false').tls).toBeUndefined();
    expect(parse('esdb://a?tls=true&tlsCAFile=/ca.pem').tls).toEqual({ rootCertificate: PEM });
    expect(parse('esdb://a?user_cert_file=c&UserKeyFile=k').tls).toEqual({ userCertFile: PEM, userKeyFile: PEM });
  });

  it('carries a user, whose password may hold any character, percent-encoded', () => {
    expect(parse('esdb://weft:p%40ss%3Aword%2F@a').user).toEqual({ username: 'weft', password: 'p@ss:word/' });
    expect(parse('esdb://a').user).toBeUndefined();
  });

  it('carries the client’s own options', () => {
    expect(parse('esdb://a?defaultDeadline=2500&connection-name=weft').options).toEqual({
      defaultDeadline: 2500,
      connectionName: 'weft',
    });
  });

  it.each([
    ['http://a', /esdb:\/\//],
    ['esdb://', /host:port/],
    ['esdb://a:70000', /70000 is no port/],
    ['esdb+discover://a,b', /one name/],
    ['esdb://a?tls=yes', /tls is neither true nor false/],
    ['esdb://a?tlz=true', /"tlz" is no option/],
    ['esdb://a?tls=true&TLS=false', /tls is there twice/],
    ['esdb://a?tlsVerifyCert=false', /tlsVerifyCert=false has no effect/],
    ['esdb://a?throwOnAppendFailure=false', /would hide refused appends/],
    ['esdb://a?tlsCAFile=/nowhere', /tlsCAFile cannot be read \(ENOENT\)/],
    ['esdb://a?defaultDeadline=soon', /defaultDeadline is no whole number/],
    ['esdb://a?keepAliveInterval=-1', /dead connection/],
    ['esdb://a?nodePreference=follower', /nodePreference must be leader/],
  ])('%s is refused, and the message says which setting and why', (text, why) => {
    const message = refusalOf(text);
    expect(message).toMatch(/^WEFT_EVENTSTORE_URL: /);
    expect(message).toMatch(why);
  });

  it.each([
    'esdb://weft:hunter2/x@a',
    'esdb://weft:hunter2?x@a',
    'esdb://weft:2113?hunter2@a',
    'esdb://weft:2113/hunter2@a',
    'esdb://weft:hunter2@x@a:port',
    'esdb://weft:hun:ter2@a',
    'esdb://weft:hunter2%@a',
    'esdb://hunter2@a',
    'esdb://weft:hunter2@a?tlz=true',
    'esdb://weft:hunter2@a?tlsVerifyCert=false',
    'esdb://weft:hunter2@',
  ])('%s is refused without a word of the password', (text) => {
    expect(refusalOf(text)).not.toMatch(/hun|ter2/);
  });
});
