import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { bookingEvent, eventCatalogue, type EventType, eventTypes, readEvent } from '../../src/contracts/events.ts';

/**
 * The part of `docs/events.md` that is made of the schemas. After a wanted change:
 * `UPDATE_EVENTS=1 npm test -- test/outbox/event-catalogue.test.ts`.
 */
const FILE = join(import.meta.dirname, '../../docs/events.md');
const BEGIN = '<!-- begin: made of src/contracts/events.ts -->\n';
const END = '<!-- end -->';

interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
}

function typeOf({ $ref, type, format, anyOf, items }: JsonSchema): string {
  if (anyOf) return anyOf.map(typeOf).join(' or ');
  if (items) return `list of ${typeOf(items)}s`;
  if ($ref?.endsWith('/Money')) return 'money';
  return format === 'date-time' ? 'time' : (type ?? 'anything');
}

function section(type: EventType): string {
  const { version, summary, payload } = eventCatalogue[type];
  const { properties = {}, required = [] } = z.toJSONSchema(payload) as JsonSchema;
  const fields = Object.entries(properties).map(([name, field]) => {
    const optional = required.includes(name) ? '' : ', may be absent';
    const description = field.description ? `: ${field.description}` : '';
    return `- \`${name}\`, ${typeOf(field)}${optional}${description}`;
  });
  return [`### \`${type}\``, '', `${summary}. Version ${version}.`, '', ...fields, ''].join('\n');
}

const catalogue = () => `\n${eventTypes.map(section).join('\n')}\n`;

describe('the catalogue of events', () => {
  it('is written down as it is', async () => {
    const page = await readFile(FILE, 'utf8');
    const [from, to] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)];
    expect(Math.min(from - BEGIN.length, to)).toBeGreaterThan(0);
    if (process.env.UPDATE_EVENTS === '1') {
      await writeFile(FILE, page.slice(0, from) + catalogue() + page.slice(to));
    }
    const written = await readFile(FILE, 'utf8');
    expect(written.slice(written.indexOf(BEGIN) + BEGIN.length, written.indexOf(END))).toBe(catalogue());
  });

  it('reads what was written, also before payloads had a version', () => {
    const row = { id: 7, bookingId: 'bkg_1', createdAtMs: 5 };
    const written = bookingEvent('booking.confirmed', { bookingId: 'bkg_1', showId: 'shw_1' });
    const expected = {
      ...row,
      type: 'booking.confirmed',
      version: 1,
      payload: { bookingId: 'bkg_1', showId: 'shw_1' },
    };
    expect(readEvent({ ...row, ...written })).toEqual(expected);
    const old = { bookingId: 'bkg_1', showId: 'shw_1', later: 'unknown' };
    expect(readEvent({ ...row, type: 'booking.confirmed', payload: old })).toEqual(expected);
  });
});
