import { inflateSync } from 'node:zlib';
import jsQR from 'jsqr';

/** What a reader of a PDF of ours sees: its pages' text, line by line, and the code on it. */
export interface ReadPdf {
  readonly pages: number;
  /** Pieces of text in the order of writing, those on one baseline together. */
  readonly lines: readonly string[];
  /** What a scanner reads off the dark squares; null where it finds no code. */
  readonly qr: string | null;
}

export function readPdf(pdf: Buffer): ReadPdf {
  const objects = objectsOf(pdf);
  const fonts = new Map<string, ReadonlyMap<string, string>>();
  const contents: string[] = [];
  for (const { text } of objects.values()) {
    if (!/\/Type \/Page\n/.test(text)) continue;
    contents.push(objects.get(reference(text, 'Contents'))!.stream!.toString('latin1'));
    const resources = objects.get(reference(text, 'Resources'))!.text;
    for (const [, name, font] of resources.matchAll(/\/(F\d+) (\d+) 0 R/g)) {
      fonts.set(name!, glyphTexts(objects.get(reference(objects.get(font!)!.text, 'ToUnicode'))!.stream!));
    }
  }
  const content = contents.join('\n');
  return { pages: contents.length, lines: linesOf(content, fonts), qr: qrIn(content) };
}

interface PdfObject {
  readonly text: string;
  readonly stream: Buffer | null;
}

function objectsOf(pdf: Buffer): ReadonlyMap<string, PdfObject> {
  const all = pdf.toString('latin1');
  return new Map(
    [...all.matchAll(/(\d+) 0 obj\n([\s\S]*?)\nendobj/g)].map(([, id, body]): [string, PdfObject] => {
      const [, text = body!, packed = null] = /^([\s\S]*?)\nstream\n([\s\S]*)\nendstream$/.exec(body!) ?? [];
      if (packed === null) return [id!, { text, stream: null }];
      const bytes = Buffer.from(packed, 'latin1');
      return [id!, { text, stream: text.includes('/FlateDecode') ? inflateSync(bytes) : bytes }];
    }),
  );
}

const reference = (text: string, name: string): string => new RegExp(`/${name} (\\d+) 0 R`).exec(text)![1]!;

/** Glyph number in four hex digits → the letters it stands for, as whoever copies or searches the text gets them. */
function glyphTexts(toUnicode: Buffer): ReadonlyMap<string, string> {
  const glyphs = new Map<string, string>();
  for (const [, first, list] of toUnicode.toString('latin1').matchAll(/<(\w{4})> <\w{4}> \[(.*?)\]/g)) {
    [...list!.matchAll(/<([\w ]*)>/g)].forEach(([, codes], index) => {
      const number = parseInt(first!, 16) + index;
      const letters = codes!.split(' ').filter(Boolean);
      const text = letters.map((code) => String.fromCodePoint(parseInt(code, 16))).join('');
      glyphs.set(number.toString(16).padStart(4, '0'), text);
    });
  }
  return glyphs;
}

function linesOf(content: string, fonts: ReadonlyMap<string, ReadonlyMap<string, string>>): string[] {
  const lines: { y: string; text: string }[] = [];
  let [font, y] = [new Map() as ReadonlyMap<string, string>, ''];
  for (const [, newY, newFont, shown] of content.matchAll(
    /1 0 0 1 [\d.]+ ([\d.]+) Tm|\/(F\d+) [\d.]+ Tf|\[(.*?)\] TJ/g,
  )) {
    if (newY !== undefined) y = newY;
    else if (newFont !== undefined) font = fonts.get(newFont)!;
    else {
      const glyphs = [...shown!.matchAll(/<(\w+)>/g)].flatMap(([, hex]) => hex!.match(/.{4}/g)!);
      const text = glyphs.map((glyph) => font.get(glyph)!).join('');
      const last = lines.at(-1);
      if (last?.y === y) last.text += text;
      else lines.push({ y, text });
    }
  }
  return lines.map((line) => line.text);
}

/** Pixels of the picture for each point on paper: some seven for a module. */
const SCALE = 2;
const [WIDTH, HEIGHT] = [600 * SCALE, 850 * SCALE];

function qrIn(content: string): string | null {
  const pixels = new Uint8ClampedArray(WIDTH * HEIGHT * 4).fill(255);
  for (const [, ...numbers] of content.matchAll(/^([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re$/gm)) {
    const [x, y, width, height] = numbers.slice(0, 4).map((number) => Number(number) * SCALE) as [
      number,
      number,
      number,
      number,
    ];
    for (let row = Math.round(y); row < Math.round(y + height); row += 1) {
      for (let column = Math.round(x); column < Math.round(x + width); column += 1) {
        pixels.fill(0, (row * WIDTH + column) * 4, (row * WIDTH + column) * 4 + 3);
      }
    }
  }
  return jsQR.default(pixels, WIDTH, HEIGHT)?.data ?? null;
}
