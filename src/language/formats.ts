import type { Language } from '../domain/language.ts';
import type { Money } from '../domain/money.ts';

/** A time, Unix ms, as clocks in an IANA zone show it. */
export interface Moment {
  readonly timeMs: number;
  readonly timeZone: string;
}

/** Digits and separators as in India, where both languages are at home: ₹1,25,000.00. */
const tags: Readonly<Record<Language, string>> = { en: 'en-IN', hi: 'hi-IN' };

/** Making one takes a hundred times as long as using it. There are no more than currencies and zones. */
const moneyFormats = new Map<string, Intl.NumberFormat>();
const momentFormats = new Map<string, Intl.DateTimeFormat>();

/** `₹1,250.00`; as many decimals as the currency has. */
export function moneyIn(language: Language, { amount, currency }: Money): string {
  const format = kept(
    moneyFormats,
    `${language} ${currency}`,
    () => new Intl.NumberFormat(tags[language], { style: 'currency', currency }),
  );
  return plainSpaces(format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2)));
}

/** `Friday, 20 November 2026 at 7:00 pm IST`. The zone's name tells the two readings of an hour that a clock shows twice apart. */
export function momentIn(language: Language, { timeMs, timeZone }: Moment): string {
  const format = kept(
    momentFormats,
    `${language} ${timeZone}`,
    () => new Intl.DateTimeFormat(tags[language], { ...momentParts, timeZone }),
  );
  return plainSpaces(format.format(timeMs));
}

const momentParts: Intl.DateTimeFormatOptions = {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: 'numeric',
  minute: '2-digit',
  timeZoneName: 'short',
};

function kept<Format>(formats: Map<string, Format>, name: string, make: () => Format): Format {
  const known = formats.get(name);
  if (known) return known;
  const made = make();
  formats.set(name, made);
  return made;
}

/** ICU puts no-break spaces of several kinds, another kind in each version: fonts and subject lines want the plain one. */
const plainSpaces = (text: string): string => text.replace(/[\u00a0\u2009\u202f]/g, ' ');
