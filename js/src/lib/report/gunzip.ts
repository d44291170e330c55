// Reads the data of a report: gzip in base64, in script elements that browsers do not run.

/** Decompress the text of the element with this id. */
export async function inflate(id: string): Promise<Uint8Array<ArrayBuffer>> {
  const text = document.getElementById(`torchdial-${id}`)?.textContent ?? "";
  const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function inflateText(id: string): Promise<string> {
  return new TextDecoder().decode(await inflate(id));
}
