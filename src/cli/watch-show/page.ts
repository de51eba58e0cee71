import { styleText } from 'node:util';
import {
  countsOf,
  drawHall,
  everyStatus,
  hallGrid,
  statusNames,
  symbols,
  type DrawingArea,
  type PlacedSeat,
  type SeatStatus,
} from './hall.ts';
import type { Sale } from './sale.ts';

export interface WatchedShow {
  readonly title: string;
  readonly showId: string;
  readonly seats: readonly PlacedSeat[];
}

export interface PageOptions {
  readonly area: DrawingArea;
  readonly colours: boolean;
  /** `live`, or what keeps it from being so. */
  readonly connection: string;
  /** How a time is written, in Unix ms. */
  readonly clock: (ms: number) => string;
}

/** Lines besides hall and news: title, counts, and empty ones around them. */
const LINES_OF_FRAME = 5;
const NEWS_LINES = 6;

const colours = { a: 'green', h: 'yellow', b: 'red', x: 'gray' } as const satisfies Record<SeatStatus, string>;

/** The whole page as lines, none longer than the area is wide: the hall as it is now, legend, counts, last changes. */
export function pageLines(
  show: WatchedShow,
  sale: Sale,
  { area, colours: coloured, ...options }: PageOptions,
): string[] {
  const paint = (text: string, status: SeatStatus): string =>
    coloured ? styleText(colours[status], text, { validateStream: false }) : text;
  const lines = Math.max(1, area.lines - LINES_OF_FRAME - NEWS_LINES);
  const counts = countsOf(sale.statuses);
  const legend = everyStatus.map((status) =>
    paint(`${symbols[status]} ${statusNames[status]} ${counts[status]}`, status),
  );
  const news = sale.news.map(({ atMs, text }) => cut(`${options.clock(atMs)}  ${text}`, area.columns));
  return [
    cut(`${show.title} · version ${sale.version} · ${options.connection}`, area.columns),
    '',
    ...drawHall(hallGrid(show.seats, { columns: area.columns, lines }), sale.statuses, paint),
    '',
    legend.join('   '),
    '',
    ...news,
  ];
}

/** One line that says how the sale stands, for terminals that can't be drawn on. */
export function plainLine(sale: Sale, clock: (ms: number) => string, nowMs: number): string {
  const counts = countsOf(sale.statuses);
  const figures = everyStatus.map((status) => `${statusNames[status]} ${counts[status]}`).join(' · ');
  const [newest] = sale.news;
  return `${clock(nowMs)}  version ${sale.version} · ${figures}${newest ? `  |  ${newest.text}` : ''}`;
}

const cut = (text: string, columns: number): string =>
  text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
