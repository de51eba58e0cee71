import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import type { PeerResult } from './peers/measure.ts';
import { peerNames } from './peers/peer.ts';
import { ratiosOf } from './peers/ratios.ts';
import type { Result } from './report.ts';
import type { Point } from './scenario.ts';

/** A plot that has been written: its file's name, and what it shows. */
export interface Plot {
  readonly file: string;
  readonly title: string;
}

interface Drawing extends Plot {
  readonly spec: TopLevelSpec;
}

const WIDTH = 640;
const HEIGHT = 280;
/** Of a line's name in a legend, px: "payment to confirmed, median" and more. */
const LABEL_WIDTH = 320;
const OURS = '#d4552b';
const THEIRS = '#7b8794';

/** Draws what the results have data for, as SVG files in the folder. */
export async function writePlots(
  folder: string,
  results: readonly Result[],
  peers: readonly PeerResult[],
): Promise<Plot[]> {
  const drawings = [
    ...againstPeers(results, peers),
    ...latencyOverRate(results),
    ...overloadOverTime(results),
    ...growthOverSize(results),
  ];
  await mkdir(folder, { recursive: true });
  for (const { file, spec } of drawings) await writeFile(join(folder, file), await svgOf(spec));
  return drawings.map(({ file, title }) => ({ file, title }));
}

async function svgOf(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}

const base = { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', background: 'white' } as const;
const size = { width: WIDTH, height: HEIGHT } as const;

function againstPeers(results: readonly Result[], peers: readonly PeerResult[]): Drawing[] {
  const ratios = ratiosOf(results, peers);
  if (ratios.length === 0) return [];
  const values = ratios.flatMap(({ workload, peer, ours, theirs }) => [
    { workload, system: 'Seatkeeper', perSecond: ours },
    { workload, system: peer, perSecond: theirs },
  ]);
  const title = 'Throughput against peers, operations a second (logarithmic)';
  const spec: TopLevelSpec = {
    ...base,
    title,
    data: { values: distinct(values) },
    facet: {
      row: {
        field: 'workload',
        type: 'nominal',
        title: null,
        header: { labelOrient: 'top', labelAngle: 0, labelAnchor: 'start' },
      },
    },
    spec: {
      width: WIDTH,
      encoding: {
        x: { field: 'perSecond', type: 'quantitative', scale: { type: 'log' }, title: 'a second' },
        y: { field: 'system', type: 'nominal', title: null, sort: ['Seatkeeper', ...peerNames] },
      },
      layer: [
        {
          mark: { type: 'point', filled: true, size: 120 },
          encoding: { color: { condition: { test: "datum.system === 'Seatkeeper'", value: OURS }, value: THEIRS } },
        },
        {
          mark: { type: 'text', align: 'left', dx: 10 },
          encoding: { text: { field: 'perSecond', type: 'quantitative', format: ',.0f' } },
        },
      ],
    },
  };
  return [{ file: 'peers.svg', title, spec }];
}

const distinct = <Item>(items: readonly Item[]): Item[] => [
  ...new Map(items.map((item) => [JSON.stringify(item), item])).values(),
];

function latencyOverRate(results: readonly Result[]): Drawing[] {
  const values = pointsOf(results, 'paced-sale');
  if (values.length === 0) return [];
  const title = 'W4: latency over rate, open loop';
  const x = { field: 'x', type: 'quantitative', title: 'buyers a second' } as const;
  const y = { field: 'y', type: 'quantitative', title: 'ms (logarithmic)', scale: { type: 'log' } } as const;
  return [
    { file: 'latency-over-rate.svg', title, spec: { ...base, ...size, title, data: { values }, ...lines(x, y) } },
  ];
}

function overloadOverTime(results: readonly Result[]): Drawing[] {
  const points = pointsOf(results, 'overload');
  if (points.length === 0) return [];
  const isLatency = ({ line }: Point): boolean => line.startsWith('hold');
  const title = 'W7: before, during and after ten times too many';
  const x = { field: 'x', type: 'quantitative', title: 'seconds' } as const;
  const part = (values: readonly Point[], yTitle: string) => ({
    ...size,
    data: { values: [...values] },
    ...lines(x, { field: 'y', type: 'quantitative', title: yTitle, scale: { type: 'symlog' } } as const),
  });
  const spec: TopLevelSpec = {
    ...base,
    title,
    vconcat: [
      part(
        points.filter((point) => !isLatency(point)),
        'a second (logarithmic)',
      ),
      part(
        points.filter((point) => isLatency(point) && Number.isFinite(point.y)),
        'hold, p99, ms',
      ),
    ],
    resolve: { scale: { color: 'independent' } },
  };
  return [{ file: 'overload.svg', title, spec }];
}

function growthOverSize(results: readonly Result[]): Drawing[] {
  const points = pointsOf(results, 'growth').map(({ line, x, y }) => {
    const [of, share] = line.split(', ') as [string, string];
    return { of: `open ${of}`.replace('open seats', 'seats of the show'), line: share, x, y };
  });
  if (points.length === 0) return [];
  const title = 'W6: a hold, alone, as things grow';
  const y = { field: 'y', type: 'quantitative', title: 'ms' } as const;
  const x = { field: 'x', type: 'quantitative', title: null, scale: { type: 'log' } } as const;
  const spec: TopLevelSpec = {
    ...base,
    title,
    data: { values: points },
    facet: { column: { field: 'of', type: 'nominal', title: null } },
    spec: { width: 200, height: HEIGHT, ...lines(x, y) },
    resolve: { scale: { x: 'independent' } },
  };
  return [{ file: 'growth.svg', title, spec }];
}

const lines = <X, Y>(x: X, y: Y) =>
  ({
    mark: { type: 'line', point: true },
    encoding: { x, y, color: { field: 'line', type: 'nominal', title: null, legend: { labelLimit: LABEL_WIDTH } } },
  }) as const;

/** Of the first run that tells any. */
function pointsOf(results: readonly Result[], scenario: string): Point[] {
  const found = results.find((result) => result.scenario.name === scenario && result.profile === 'server');
  return [...(found?.measurements.find(({ points = [] }) => points.length > 0)?.points ?? [])];
}
