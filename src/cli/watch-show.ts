import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { EventSource, type MessageEvent } from 'undici';
import { z } from 'zod';
import { seatingPlanSchema, seatMapChangeSchema, seatMapSchema } from '../contracts/http/seats.ts';
import { runningApi } from './running-system.ts';
import { pageLines, plainLine, type WatchedShow } from './watch-show/page.ts';
import { Sale } from './watch-show/sale.ts';

/**
 * `npm run watch-show -- <showId>`: draws the hall of a show as it sells, until Ctrl-C. Where the output is no terminal,
 * a line for each change.
 */

/** A sale may change twenty times a second; nobody sees more than this. */
const REDRAW_EVERY_MS = 100;
/** After the server has refused the stream: it asks for ten seconds at most. */
const REOPEN_AFTER_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;
const NO_TERMINAL = { columns: 100, lines: 50 };

const showSchema = z.object({ id: z.string(), movieId: z.string(), seatingPlanId: z.string(), startsAt: z.string() });
const movieSchema = z.object({ title: z.string() });

interface Options {
  readonly api?: string;
  readonly plain?: boolean;
}

/** Draws what is known. */
interface Screen {
  update(sale: Sale, connection: string): void;
  close(): void;
}

async function watchShow(showId: string, options: Options): Promise<void> {
  const api = options.api ?? process.env.API_URL ?? runningApi(process.env);
  if (!api) throw new Error('No running system was found: start it with npm start, or name its API with --api.');
  const base = `${api.replace(/\/+$/, '').replace(/\/api\/v1$/, '')}/api/v1`;
  const show = await showToWatch(base, showId);
  const sale = new Sale(show.seats);
  const screen = options.plain || !process.stdout.isTTY ? plainScreen(show) : terminalScreen(show);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      screen.close();
      process.exit(0);
    });
  }
  for (;;) {
    await follow(`${base}/shows/${encodeURIComponent(showId)}/seats/stream`, sale, screen);
    screen.update(sale, 'refused for now');
    await delay(REOPEN_AFTER_MS);
  }
}

async function showToWatch(base: string, showId: string): Promise<WatchedShow> {
  const show = showSchema.parse(await getJson(`${base}/shows/${encodeURIComponent(showId)}`));
  const [movie, plan] = await Promise.all([
    getJson(`${base}/movies/${show.movieId}`).then((body) => movieSchema.parse(body)),
    getJson(`${base}/seating-plans/${show.seatingPlanId}`).then((body) => seatingPlanSchema.parse(body)),
  ]);
  const seats = plan.sections.flatMap(({ rows }) => rows.flatMap((row) => row.seats));
  seats.sort((a, b) => a.index - b.index);
  return { showId, title: `${movie.title}, ${show.startsAt}, ${plan.name}`, seats };
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  if (response.status === 404) throw new Error(`${url}: there is no such thing.`);
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  return response.json();
}

/**
 * Follows the stream; connections that are lost are opened again, from the last event on. Resolves when the server
 * refuses it.
 */
function follow(url: string, sale: Sale, screen: Screen): Promise<void> {
  const source = new EventSource(url);
  const take = (kind: string, apply: (data: unknown, nowMs: number) => boolean): void =>
    source.addEventListener(kind, (event) => {
      const isNews = apply(JSON.parse((event as MessageEvent<string>).data), Date.now());
      if (isNews) screen.update(sale, 'live');
    });
  take('snapshot', (data, nowMs) => sale.takeSnapshot(seatMapSchema.parse(data), nowMs));
  take('change', (data, nowMs) => sale.takeChange(seatMapChangeSchema.parse(data), nowMs));
  source.onopen = () => screen.update(sale, 'live');
  return new Promise((resolve) => {
    source.onerror = () => {
      screen.update(sale, 'reconnecting');
      if (source.readyState === EventSource.CLOSED) resolve();
    };
  });
}

const clock = (ms: number): string => new Date(ms).toLocaleTimeString('en-GB');

function plainScreen(show: WatchedShow): Screen {
  let printedVersion = -1;
  return {
    update: (sale, connection) => {
      if (sale.version < 0) return;
      if (printedVersion < 0) {
        console.log(pageLines(show, sale, { area: NO_TERMINAL, colours: false, connection, clock }).join('\n'));
      } else if (sale.version > printedVersion) console.log(plainLine(sale, clock, Date.now()));
      printedVersion = sale.version;
    },
    close: () => undefined,
  };
}

const OPEN_PAGE = '\x1b[?1049h\x1b[?25l';
const CLOSE_PAGE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_REST_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** A page of its own, redrawn in place; what was on the terminal before is there again afterwards. */
function terminalScreen(show: WatchedShow): Screen {
  const { stdout } = process;
  const colours = stdout.hasColors();
  let last: readonly [Sale, string] | null = null;
  let timer: NodeJS.Timeout | null = null;
  const draw = (): void => {
    timer = null;
    if (!last || last[0].version < 0) return;
    const area = { columns: stdout.columns, lines: stdout.rows };
    const lines = pageLines(show, last[0], { area, colours, connection: last[1], clock }).slice(0, area.lines);
    stdout.write(`${HOME}${lines.map((line) => line + CLEAR_REST_OF_LINE).join('\n')}${CLEAR_BELOW}`);
  };
  const drawSoon = (): void => void (timer ??= setTimeout(draw, REDRAW_EVERY_MS));
  stdout.write(OPEN_PAGE);
  stdout.on('resize', drawSoon);
  return {
    update: (sale, connection) => {
      last = [sale, connection];
      drawSoon();
    },
    close: () => stdout.write(CLOSE_PAGE),
  };
}

const command = new Command('watch-show')
  .description('Draws the hall of a show as it sells, until Ctrl-C.')
  .argument('<showId>', 'id of the show, shw_…')
  .option('--api <url>', 'address of the API (or API_URL); without it, the system that runs on DATA_DIR')
  .option('--plain', 'draws once, then a line for each change; so it is where the output is no terminal')
  .action(watchShow);

command.parseAsync().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
