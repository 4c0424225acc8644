// A zip is opened in the browser, so that each of its files is sent by itself: what a cut leaves undone is sent
// again, and nothing else. Whatever is not a plain zip (encrypted, packed otherwise, ZIP64, damaged, with a zip
// inside) is left to the server, which says what is wrong. Format: APPNOTE.TXT 4.3.

const END = 0x06054b50, ENTRY = 0x02014b50, LOCAL = 0x04034b50;
const END_SIZE = 22, ENTRY_SIZE = 46, LOCAL_SIZE = 30, MOST_COMMENT = 0xffff;
const STORED = 0, DEFLATED = 8, ENCRYPTED = 1, UTF8 = 1 << 11;

const view = async (blob) => new DataView(await blob.arrayBuffer());

/** The files inside, each {name, size, open: () => Promise<File>}; null where the server should look at it. */
export async function filesOfZip(file, most, hidden) {
  if (file.size < END_SIZE || typeof DecompressionStream === "undefined") return null;
  if ((await view(file.slice(0, 4))).getUint32(0, true) !== LOCAL) return null;
  const members = await directory(file);
  if (!members || members.length > most) return null;
  const wanted = members.filter((member) => !member.path.endsWith("/") && !member.path.split("/").some((part) => hidden.test(part)));
  const plain = wanted.every(({ flags, method, path }) =>
    !(flags & ENCRYPTED) && [STORED, DEFLATED].includes(method) && !/\.zip$/i.test(path));
  if (!wanted.length || !plain) return null;
  return wanted.map((member) => ({ name: member.path.split("/").pop(), size: member.size, open: () => unpack(file, member) }));
}

/** The central directory: what is where; null where there is none that can be read. */
async function directory(file) {
  const start = Math.max(0, file.size - END_SIZE - MOST_COMMENT);
  const tail = await view(file.slice(start));
  let at = tail.byteLength - END_SIZE;
  while (at >= 0 && tail.getUint32(at, true) !== END) at -= 1;
  if (at < 0) return null;
  const [count, size, offset] = [tail.getUint16(at + 10, true), tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  if (count === 0xffff || offset === 0xffffffff || offset + size > file.size) return null;
  return entries(await view(file.slice(offset, offset + size)), count);
}

function entries(data, count) {
  const found = [];
  let at = 0;
  for (let number = 0; number < count; number += 1) {
    if (at + ENTRY_SIZE > data.byteLength || data.getUint32(at, true) !== ENTRY) return null;
    const lengths = [28, 30, 32].map((place) => data.getUint16(at + place, true));
    if (at + ENTRY_SIZE + lengths[0] > data.byteLength) return null;
    const flags = data.getUint16(at + 8, true);
    const name = new Uint8Array(data.buffer, at + ENTRY_SIZE, lengths[0]);
    found.push({
      flags,
      method: data.getUint16(at + 10, true),
      packed: data.getUint32(at + 20, true),
      size: data.getUint32(at + 24, true),
      offset: data.getUint32(at + 42, true),
      path: new TextDecoder(flags & UTF8 ? "utf-8" : "windows-1252").decode(name).replaceAll("\\", "/"),
    });
    at += ENTRY_SIZE + lengths[0] + lengths[1] + lengths[2];
  }
  return found;
}

/** The bytes of one member, never more than it says it has. Throws where it is damaged. */
async function unpack(file, member) {
  const head = await view(file.slice(member.offset, member.offset + LOCAL_SIZE));
  if (head.byteLength < LOCAL_SIZE || head.getUint32(0, true) !== LOCAL) throw new Error("damaged");
  const start = member.offset + LOCAL_SIZE + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = file.slice(start, start + member.packed);
  const name = member.path.split("/").pop();
  if (member.method === STORED) return new File([packed], name);
  const pieces = [];
  let size = 0;
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    size += piece.value.byteLength;
    if (size > member.size) { await reader.cancel(); throw new Error("damaged"); }
    pieces.push(piece.value);
  }
  if (size !== member.size) throw new Error("damaged");
  return new File(pieces, name);
}
