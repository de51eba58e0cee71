/** Languages that people are written to in; the first one is for whoever names none of them. */
export const languages = ['en', 'hi'] as const;
export type Language = (typeof languages)[number];

/** The language of a BCP 47 tag, `hi` of `hi-IN`; null for one that nothing is written in. */
export const languageOf = (tag: string): Language | null =>
  languages.find((language) => language === tag.toLowerCase().split('-')[0]) ?? null;

/** Of the languages that a browser says its person reads (`Accept-Language`), the most wanted that there is. */
export function preferredLanguage(acceptLanguage: string | undefined): Language {
  const wanted = (acceptLanguage ?? '').split(',', RANGES_READ_MAX).map((range) => {
    const [tag = '', ...parameters] = range.trim().split(';');
    const quality = parameters.map((each) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(each)?.[1]).find((q) => q);
    return { language: languageOf(tag), quality: quality === undefined ? 1 : Number(quality) };
  });
  const best = wanted
    .filter(({ language, quality }) => language !== null && quality > 0)
    .sort((a, b) => b.quality - a.quality)[0];
  return best?.language ?? languages[0];
}

/** Browsers name a handful. */
const RANGES_READ_MAX = 20;
