import { jest } from '@jest/globals';
import { Repeats } from '../../src/supervisor/repeats.ts';

describe('a part that says one thing over and over', () => {
  const told: unknown[] = [];
  let repeats: Repeats;
  beforeEach(() => {
    jest.useFakeTimers();
    told.length = 0;
    repeats = new Repeats((...line) => told.push(line));
  });
  afterEach(() => jest.useRealTimers());

  const shown = (level: 'warn' | 'error', texts: readonly string[]): string[] =>
    texts.filter((text) => repeats.isShown(level, text));

  it('is heard three times, then counted, then heard again', () => {
    const lost = Array.from({ length: 50 }, (_, n) => `connection ${n} of bkg_a1B2c3-${n} was lost`);
    expect(shown('warn', lost)).toEqual(lost.slice(0, 3));
    expect(told).toEqual([]);
    jest.advanceTimersByTime(10_000);
    expect(told).toEqual([[lost[0], 47, 'warn']]);
    expect(shown('warn', lost)).toHaveLength(3);
  });

  it('does not hide what is another thing, or worse', () => {
    shown(
      'warn',
      Array.from({ length: 50 }, () => 'no answer'),
    );
    expect(shown('warn', ['no room'])).toEqual(['no room']);
    expect(shown('error', ['no answer'])).toEqual(['no answer']);
  });

  it('is not mentioned again when all of it was heard', () => {
    shown('warn', ['once', 'twice', 'twice']);
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual([]);
  });
});
