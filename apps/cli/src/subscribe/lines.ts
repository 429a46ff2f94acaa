/** The lines of a body. What a connection that was cut left behind its last line end is none, and is not given. */
export async function* wholeLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let held = '';
  for await (const chunk of body) {
    const lines = (held + decoder.decode(chunk, { stream: true })).split('\n');
    held = lines.pop() as string;
    yield* lines;
  }
}
