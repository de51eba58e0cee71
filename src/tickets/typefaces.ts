import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fontOfWoff, lettersOf } from './woff.ts';

/** One design in pieces, by script: they share size and baseline, so a line may change from one to the other. */
const scripts = ['latin', 'latin-ext', 'devanagari', 'cyrillic', 'greek', 'vietnamese'] as const;
type Script = (typeof scripts)[number];
export type Weight = 'regular' | 'bold';
const weights: Readonly<Record<Weight, number>> = { regular: 400, bold: 700 };

/** A stretch of text that one font has all the letters of. */
export interface Run {
  readonly text: string;
  readonly face: Face;
}

export interface Face {
  readonly name: string;
  readonly font: Buffer;
  has(codePoint: number): boolean;
}

const fontFile = createRequire(import.meta.url);

/** Unpacked when first needed, then kept: 12 files, below 2 MB. */
const faces = new Map<string, Face>();

function faceOf(script: Script, weight: Weight): Face {
  const file = `@fontsource/noto-sans/files/noto-sans-${script}-${weights[weight]}-normal.woff`;
  const known = faces.get(file);
  if (known) return known;
  const font = fontOfWoff(readFileSync(fontFile.resolve(file)));
  const letters = lettersOf(font);
  const face = { name: `${script} ${weight}`, font, has: (codePoint: number) => letters.has(codePoint) };
  faces.set(file, face);
  return face;
}

/** Instead of a letter that no font here has, of Tamil, say, or an emoji. */
const UNKNOWN = '?';

/** A text in the fonts that it takes, in order. Line ends and other control characters become spaces. */
export function runsOf(text: string, weight: Weight): readonly Run[] {
  const runs: { text: string; face: Face }[] = [];
  let current: Face | null = null;
  for (const character of text.normalize('NFC').replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')) {
    const codePoint = character.codePointAt(0)!;
    // Invisible and in no font: directions of writing, variants of emoji.
    if (/\p{Cf}|\p{Mn}/u.test(character) && !current?.has(codePoint)) continue;
    const known: Face | null = current?.has(codePoint) ? current : faceWith(codePoint, weight);
    const face: Face = known ?? faceOf('latin', weight);
    const shown = known ? character : UNKNOWN;
    const last = runs.at(-1);
    if (last?.face === face) last.text += shown;
    else runs.push({ text: shown, face });
    current = face;
  }
  return runs;
}

function faceWith(codePoint: number, weight: Weight): Face | null {
  for (const script of scripts) {
    const face = faceOf(script, weight);
    if (face.has(codePoint)) return face;
  }
  return null;
}
