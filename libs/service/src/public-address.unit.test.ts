import { addressesOf } from './ip-addresses.js';
import { publicAddressOf } from './public-address.js';
import { readSettings } from './settings.js';

const HERE = { localAddress: '10.1.2.3', localPort: 8080 };
const PROXY = '10.0.0.7';
const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'care.example' };

type Headers = Readonly<Record<string, string>>;
const ROWS: readonly (readonly [what: string, settings: Headers, from: string, headers: Headers, address: string])[] = [
  ['the setting, whoever asks', { WEFT_PUBLIC_URL: 'https://weft.example/' }, PROXY, forwarded, 'https://weft.example'],
  ['the setting, with its path', { WEFT_PUBLIC_URL: 'https://weft.example/weft/' }, PROXY, {}, 'https://weft.example/weft'],
  ['where it was reached', {}, PROXY, {}, 'http://10.1.2.3:8080'],
  ['not the caller’s Host', {}, PROXY, { host: 'evil.example' }, 'http://10.1.2.3:8080'],
  ['not what a stranger forwards', {}, PROXY, forwarded, 'http://10.1.2.3:8080'],
  ['not what a neighbour of the proxy forwards', { WEFT_TRUSTED_PROXIES: PROXY }, '10.0.0.8', forwarded, 'http://10.1.2.3:8080'],
  ['what a trusted proxy forwards', { WEFT_TRUSTED_PROXIES: PROXY }, PROXY, forwarded, 'https://care.example'],
  [
    'the same of a network',
    { WEFT_TRUSTED_PROXIES: '192.168.0.0/16, 10.0.0.0/8' },
    '::ffff:10.0.0.7',
    forwarded,
    'https://care.example',
  ],
  ['the same of IPv6', { WEFT_TRUSTED_PROXIES: 'fd00::/8' }, 'fd00::1', forwarded, 'https://care.example'],
  [
    'what the nearest of several proxies says',
    { WEFT_TRUSTED_PROXIES: PROXY },
    PROXY,
    { 'x-forwarded-proto': 'http, https', 'x-forwarded-host': 'evil.example, care.example:8443' },
    'https://care.example:8443',
  ],
  [
    'no host that is none',
    { WEFT_TRUSTED_PROXIES: PROXY },
    PROXY,
    { ...forwarded, 'x-forwarded-host': 'a/b' },
    'http://10.1.2.3:8080',
  ],
  ['no host without its protocol', { WEFT_TRUSTED_PROXIES: PROXY }, PROXY, { 'x-forwarded-host': 'a' }, 'http://10.1.2.3:8080'],
];

describe('the address that links carry', () => {
  it.each(ROWS)('is %s', (_what, env, remoteAddress, headers, address) => {
    const { settings, problems } = readSettings(env);
    expect(problems).toEqual([]);
    expect(publicAddressOf(settings, { headers, socket: { ...HERE, remoteAddress } } as never)).toBe(address);
  });

  it('is in brackets where it was reached by IPv6, and bare where that stands for IPv4', () => {
    const { settings } = readSettings({});
    const at = (localAddress: string) => publicAddressOf(settings, { headers: {}, socket: { ...HERE, localAddress } } as never);
    expect([at('fd00::2'), at('::ffff:10.1.2.3')]).toEqual(['http://[fd00::2]:8080', 'http://10.1.2.3:8080']);
  });

  it.each([
    [{ WEFT_PUBLIC_URL: 'weft.example' }, 'WEFT_PUBLIC_URL: is no address like https://host/path'],
    [{ WEFT_PUBLIC_URL: 'https://' }, 'WEFT_PUBLIC_URL: is no address like https://host/path'],
    [{ WEFT_PUBLIC_URL: 'https://a b' }, 'WEFT_PUBLIC_URL: is no address like https://host/path'],
    [{ WEFT_PUBLIC_URL: 'https://user:secret@weft.example' }, 'WEFT_PUBLIC_URL: holds more than a host and a path'],
    [{ WEFT_PUBLIC_URL: 'https://weft.example/?x=1' }, 'WEFT_PUBLIC_URL: holds more than a host and a path'],
    [{ WEFT_TRUSTED_PROXIES: 'proxy.example' }, 'WEFT_TRUSTED_PROXIES: is no comma separated list of IP addresses and networks'],
    [{ WEFT_TRUSTED_PROXIES: '10.0.0.0/33' }, 'WEFT_TRUSTED_PROXIES: is no comma separated list of IP addresses and networks'],
  ])('cannot be set to %j', (env, problem) => {
    expect(readSettings(env).problems.map(({ setting, message }) => `${setting}: ${message}`)).toEqual([problem]);
  });

  it('takes one address for itself alone', () => {
    expect(addressesOf('10.0.0.7')?.check('10.0.0.8')).toBe(false);
    expect(addressesOf('10.0.0.0/')).toBeNull();
  });
});
