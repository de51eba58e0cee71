import i18next, { type i18n } from 'i18next';
import { type Language, languages } from '../domain/language.ts';
import { momentIn, moneyIn, type Moment } from './formats.ts';
import type { Money } from '../domain/money.ts';
import { en } from './texts/en.ts';
import { hi } from './texts/hi.ts';

/** Says a text of `texts/` in one language. `count` chooses the plural; other values are put in by their names. */
export type Say = (key: string, values?: Readonly<Record<string, unknown>>) => string;

/**
 * Texts format their own values: `{{amount, money}}` takes a Money, `{{startsAt, moment}}` a time with the zone that it is
 * read in, `{{count, number}}` a number.
 */
const instance: i18n = i18next.createInstance();
void instance.init({
  resources: { en: { translation: en }, hi: { translation: hi } },
  supportedLngs: languages,
  fallbackLng: false,
  initAsync: false,
  // What is plain text stays so; the templates of pages and mails escape.
  interpolation: { escapeValue: false, skipOnVariables: true },
  // A mail with the name of a text in it, or with a hole, is worse than none.
  parseMissingKeyHandler: (key) => {
    throw new Error(`there is no text ${key}`);
  },
  missingInterpolationHandler: (text, [hole]: RegExpMatchArray) => {
    throw new Error(`the text ${text} was not told ${hole}`);
  },
});
instance.services.formatter!.add('money', (value: Money, language) => moneyIn(language as Language, value));
instance.services.formatter!.add('moment', (value: Moment, language) => momentIn(language as Language, value));

/** Everything that is said in a language. */
export const textsIn = (language: Language): Say => {
  const say = instance.getFixedT(language);
  return (key, values = {}) => say(key, { ...values });
};

/** True for a key that something is said under. */
export const hasText = (key: string): boolean => instance.exists(key, { lng: languages[0] });
