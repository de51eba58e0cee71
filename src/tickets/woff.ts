import { inflateSync } from 'node:zlib';

const HEADER_BYTES = 44;
const ENTRY_BYTES = 20;
const SFNT_HEADER_BYTES = 12;
const SFNT_ENTRY_BYTES = 16;

/**
 * The font inside a WOFF file (W3C WOFF 1.0): the same tables, each deflated. Unpacked here because the PDF library
 * inflates in JavaScript, anew for each document, which takes it longer than all the rest of a ticket.
 */
export function fontOfWoff(woff: Buffer): Buffer {
  const count = woff.readUInt16BE(12);
  const tables = Array.from({ length: count }, (_, index) => tableAt(woff, HEADER_BYTES + index * ENTRY_BYTES));
  const header = Buffer.alloc(SFNT_HEADER_BYTES + count * SFNT_ENTRY_BYTES);
  woff.copy(header, 0, 4, 8);
  header.writeUInt16BE(count, 4);
  const power = Math.floor(Math.log2(count));
  header.writeUInt16BE(2 ** power * 16, 6);
  header.writeUInt16BE(power, 8);
  header.writeUInt16BE(count * 16 - 2 ** power * 16, 10);
  let offset = header.length;
  tables.forEach(({ tag, checksum, bytes }, index) => {
    const at = SFNT_HEADER_BYTES + index * SFNT_ENTRY_BYTES;
    tag.copy(header, at);
    header.writeUInt32BE(checksum, at + 4);
    header.writeUInt32BE(offset, at + 8);
    header.writeUInt32BE(bytes.length, at + 12);
    offset += padded(bytes.length);
  });
  return Buffer.concat([
    header,
    ...tables.flatMap(({ bytes }) => [bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]),
  ]);
}

function tableAt(woff: Buffer, entry: number) {
  const [offset, packedLength, length] = [4, 8, 12].map((field) => woff.readUInt32BE(entry + field)) as [
    number,
    number,
    number,
  ];
  const packed = woff.subarray(offset, offset + packedLength);
  return {
    tag: woff.subarray(entry, entry + 4),
    checksum: woff.readUInt32BE(entry + 16),
    bytes: packedLength < length ? inflateSync(packed) : packed,
  };
}

/** Code points of the Basic Multilingual Plane that a font has a glyph for: its `cmap`, format 4 (OpenType 1.9). */
export function lettersOf(font: Buffer): ReadonlySet<number> {
  const table = cmapOf(font);
  const segments = table.readUInt16BE(6) / 2;
  const letters = new Set<number>();
  for (let segment = 0; segment < segments; segment += 1) {
    const field = (number: number): number => 14 + (number * segments + segment) * 2 + (number > 0 ? 2 : 0);
    const [last, first, delta] = [field(0), field(1), field(2)].map((at) => table.readUInt16BE(at)) as [
      number,
      number,
      number,
    ];
    const rangeOffset = table.readUInt16BE(field(3));
    for (let letter = first; letter <= last && letter < 0xffff; letter += 1) {
      const glyph =
        rangeOffset === 0 ? letter + delta : table.readUInt16BE(field(3) + rangeOffset + (letter - first) * 2);
      if ((glyph & 0xffff) !== 0) letters.add(letter);
    }
  }
  return letters;
}

function cmapOf(font: Buffer): Buffer {
  const entries = Array.from(
    { length: font.readUInt16BE(4) },
    (_, index) => SFNT_HEADER_BYTES + index * SFNT_ENTRY_BYTES,
  );
  const entry = entries.find((at) => font.toString('latin1', at, at + 4) === 'cmap');
  const cmap = entry === undefined ? null : font.subarray(font.readUInt32BE(entry + 8));
  const encodings = Array.from({ length: cmap?.readUInt16BE(2) ?? 0 }, (_, index) => cmap!.readUInt32BE(8 + index * 8));
  const offset = encodings.find((at) => cmap!.readUInt16BE(at) === 4);
  if (offset === undefined) throw new Error('a font whose letters cannot be listed');
  return cmap!.subarray(offset);
}

const padded = (length: number): number => Math.ceil(length / 4) * 4;
