import { BlockList, isIP } from 'node:net';

/** An IPv4 address as a socket that takes both families has it. */
export const withoutPrefix = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

export function isAmong(addresses: BlockList, address: string | undefined): boolean {
  const bare = withoutPrefix(address ?? '');
  const family = isIP(bare);
  return family !== 0 && addresses.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

/** IP addresses and networks (`10.0.0.0/8`), comma separated; null where one of them is neither. */
export function addressesOf(text: string): BlockList | null {
  const list = new BlockList();
  for (const item of text.split(',').map((one) => one.trim())) {
    const [address = '', bits] = item.split('/') as [string, string?];
    const family = isIP(address);
    const most = family === 6 ? 128 : 32;
    if (family === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) return null;
    list.addSubnet(address, bits === undefined ? most : Number(bits), family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
