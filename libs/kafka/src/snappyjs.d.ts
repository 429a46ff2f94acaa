declare module 'snappyjs' {
  /** Throws for what is not Snappy, or longer than `maxLength` once it is unpacked. */
  export function uncompress(compressed: Buffer, maxLength?: number): Buffer;
}
