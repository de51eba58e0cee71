/** A browser names a dozen. */
const RANGES_READ_MAX = 30;

/** True where an `Accept` header names PDF, and JSON not rather (RFC 9110, 12.5.1). `*` alone means JSON, as everywhere. */
export function prefersPdf(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',', RANGES_READ_MAX).map((range) => {
    const [type = '', ...parameters] = range.trim().toLowerCase().split(';');
    const quality = parameters.map((each) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(each)?.[1]).find((q) => q);
    return { type: type.trim(), quality: quality === undefined ? 1 : Number(quality) };
  });
  const qualityOf = (type: string): number => ranges.find((range) => range.type === type)?.quality ?? 0;
  const pdf = qualityOf('application/pdf');
  return pdf > 0 && pdf >= qualityOf('application/json');
}
