import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { countsOf, drawHall, hallGrid, type PlacedSeat } from '../../src/cli/watch-show/hall.ts';
import { pageLines, plainLine } from '../../src/cli/watch-show/page.ts';
import { Sale } from '../../src/cli/watch-show/sale.ts';
import { newGuest } from '../api/http-client.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

/** Two rows of four with an aisle in the middle, the second one set in by half a seat. */
const seats: readonly PlacedSeat[] = [0, 1].flatMap((row) =>
  [0, 1, 3, 4].map((place, n) => ({
    index: row * 4 + n,
    label: `${'AB'[row]}-${n + 1}`,
    x: 25 * place + row * 12.5,
    y: 30 * row,
  })),
);
const roomy = { columns: 80, lines: 24 };
const unpainted = (character: string): string => character;
const mapOf = (version: number, statuses: string) => ({
  showId: 'shw_1',
  seatingPlanId: 'pln_1',
  version,
  asOf: '2026-11-20T13:30:00.000Z',
  statuses,
});
const clock = (ms: number): string => `at ${ms}`;

describe('the drawing of a hall', () => {
  test('has the seats where the plan has them, each with the sign of its status', () => {
    expect(drawHall(hallGrid(seats, roomy), 'ahbxaaab', unpainted)).toEqual(['□ ◪   ■ ×', ' □ □   □ ■']);
  });

  test('is as small as the room for it; a sign that stands for several seats shows what most of them are', () => {
    const small = hallGrid(seats, { columns: 3, lines: 1 });
    expect(drawHall(small, 'bbhhbbhb', unpainted)).toEqual(['■◪◪']);
    expect(drawHall(small, 'abxhhbha', unpainted)).toEqual(['◪■◪']);
    expect(small.flat(2).filter((seat) => seat !== null)).toHaveLength(8);
  });

  test('loses no seat of a large hall', () => {
    const large = Array.from({ length: 10_000 }, (_, index) => ({
      index,
      label: String(index),
      x: (index % 125) * 20 + Math.sin(index) * 3,
      y: Math.floor(index / 125) * 22 + Math.cos(index % 125) * 5,
    }));
    const grid = hallGrid(large, roomy);
    expect(grid.length).toBeLessThanOrEqual(24);
    expect(Math.max(...grid.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(new Set(grid.flat(2).filter((seat) => seat !== null)).size).toBe(10_000);
  });

  test('of nothing is nothing', () => {
    expect(hallGrid([], roomy)).toEqual([]);
  });
});

describe('what a watcher knows of a sale', () => {
  test('follows the events, and never goes back', () => {
    const sale = new Sale(seats);
    expect(sale.takeSnapshot(mapOf(3, 'aaaaaaaa'), 1)).toBe(true);
    const change = {
      version: 5,
      changes: [
        [0, 'h'],
        [1, 'h'],
        [7, 'b'],
      ] as [number, 'h' | 'b'][],
    };
    expect(sale.takeChange(change, 2)).toBe(true);
    expect([sale.version, sale.statuses]).toEqual([5, 'hhaaaaab']);
    expect(sale.news).toEqual([{ atMs: 2, text: 'A-1, A-2 held · B-4 booked' }]);
    expect(sale.takeChange({ version: 4, changes: [[2, 'x']] }, 3)).toBe(false);
    expect(sale.takeSnapshot(mapOf(4, 'xxxxxxxx'), 3)).toBe(false);
    expect([sale.version, sale.statuses]).toEqual([5, 'hhaaaaab']);
    expect(sale.takeSnapshot(mapOf(9, 'hhaaaaaa'), 4)).toBe(true);
    expect(sale.news[0]).toEqual({ atMs: 4, text: 'B-4 available' });
  });

  test('is a page with legend, counts and news, in colours or without', () => {
    const sale = new Sale(seats);
    sale.takeSnapshot(mapOf(3, 'ahbxaaab'), 1);
    sale.takeChange({ version: 4, changes: [[4, 'h']] }, 2);
    const show = { showId: 'shw_1', title: 'A Film', seats };
    const options = { area: roomy, connection: 'live', clock };
    expect(pageLines(show, sale, { ...options, colours: false })).toEqual([
      'A Film · version 4 · live',
      '',
      '□ ◪   ■ ×',
      ' ◪ □   □ ■',
      '',
      '◪ held 2   ■ booked 2   □ available 3   × blocked 1',
      '',
      'at 2  B-1 held',
    ]);
    const coloured = pageLines(show, sale, { ...options, colours: true });
    expect(coloured[2]).toBe('\x1b[32m□\x1b[39m \x1b[33m◪\x1b[39m   \x1b[31m■\x1b[39m \x1b[90m×\x1b[39m');
    expect(plainLine(sale, clock, 7)).toBe(
      'at 7  version 4 · held 2 · booked 2 · available 3 · blocked 1  |  B-1 held',
    );
    expect(countsOf(sale.statuses)).toEqual({ a: 3, h: 2, b: 2, x: 1 });
  });
});

describe('npm run watch-show', () => {
  const system = useTestSystem({ apis: 1 });
  const watch = (showId: string) =>
    spawn(
      process.execPath,
      ['--disable-warning=UNDICI-ES', 'src/cli/watch-show.ts', showId, '--api', system.apiUrls[0]!],
      { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'] },
    );

  test('shows a sale while it happens', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(2, 4) });
    const command = watch(show.id);
    const lines: string[] = [];
    let wake: () => void = () => undefined;
    createInterface(command.stdout).on('line', (line) => {
      lines.push(line);
      wake();
    });
    const untilLine = async (wanted: RegExp): Promise<void> => {
      while (!lines.some((line) => wanted.test(line))) await new Promise<void>((resolve) => (wake = resolve));
    };
    await untilLine(/^. held 0 {3}. booked 0 {3}. available 8 {3}. blocked 0$/);
    expect(lines.slice(2, 4)).toEqual(['□ □ □ □', '□ □ □ □']);
    const buyer = await newGuest(system.apiUrls[0]!);
    const booking = await buyer.held(show.id, ['A1', 'A2']);
    await untilLine(/version 1 · held 2 · booked 0 · available 6 · blocked 0 {2}\| .*A-1, .*A-2 held$/);
    await buyer.pay(booking.id, 'tok_ok');
    await untilLine(/held 0 · booked 2 · available 6/);
    command.kill('SIGINT');
    expect(await once(command, 'exit')).toEqual([0, null]);
  }, 30_000);

  test('says so when there is no such show', async () => {
    const command = watch('shw_nobody');
    let said = '';
    command.stderr.on('data', (text: Buffer) => (said += String(text)));
    expect(await once(command, 'close')).toEqual([1, null]);
    expect(said).toContain('there is no such thing');
  });
});
