import fc from 'fast-check';
import { newId } from '../../src/platform/ids.ts';
import { TicketCodes } from '../../src/tickets/ticket-codes.ts';

const KEY = 'a key of the tests, long enough for a key';
const OTHER_KEY = 'another key of the tests, long enough too';
const codes = new TicketCodes(KEY);
const claim = { bookingId: newId('bkg'), ticketVersion: 3 };
const code = codes.print(claim);

describe('a ticket code', () => {
  it('says which booking it admits, and which version of the ticket it is', () => {
    expect(codes.read(code)).toEqual(claim);
    expect(code.length).toBeLessThan(70);
  });

  it('is the same for the same ticket, and another one for each version', () => {
    expect(codes.print(claim)).toBe(code);
    expect(codes.print({ ...claim, ticketVersion: 4 })).not.toBe(code);
  });

  it('with any character changed is none', () => {
    const anyCharacter = fc.oneof(
      fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.='),
      fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.nat(code.length - 1), anyCharacter, (at, character) => {
        fc.pre(code[at] !== character);
        expect(codes.read(code.slice(0, at) + character + code.slice(at + 1))).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  it('cut short, prolonged, or anything else at all is none', () => {
    for (let length = 0; length < code.length; length += 1) expect(codes.read(code.slice(0, length))).toBeNull();
    for (const more of [`${code} `, `${code}\n`, ` ${code}`, `${code}A`, `${code}${code}`]) {
      expect(codes.read(more)).toBeNull();
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => codes.read(text) === null));
  });

  it('signed with a key that is not ours is none, whichever key it names', () => {
    const forged = new TicketCodes(OTHER_KEY).print(claim);
    expect(codes.read(forged)).toBeNull();
    const [format, , ...rest] = forged.split('.');
    expect(codes.read([format, code.split('.')[1], ...rest].join('.'))).toBeNull();
  });

  it('signed with a key that was retired is still good, and new ones are signed with the new key', () => {
    const later = new TicketCodes(OTHER_KEY, [KEY]);
    expect(later.read(code)).toEqual(claim);
    expect(codes.read(later.print(claim))).toBeNull();
    expect(new TicketCodes(OTHER_KEY).read(code)).toBeNull();
  });
});
