import type { PeerResult } from '../../bench/peers/measure.ts';
import type { PeerName } from '../../bench/peers/peer.ts';
import { missedRatios, ratiosOf, slowPeers } from '../../bench/peers/ratios.ts';
import { hotShow, sellOut } from '../../bench/peers/workloads.ts';
import type { Result } from '../../bench/report.ts';
import type { Profile } from '../../bench/scenario.ts';
import { sellOut as ourSellOut } from '../../bench/scenarios/sell-out.ts';
import { tenSeats } from '../../bench/scenarios/ten-seats.ts';

const ours = (scenario: Result['scenario'], figure: string, values: number[], profile: Profile = 'server'): Result => ({
  scenario,
  profile,
  measurements: values.map((value) => ({ figures: { [figure]: value } })),
  load: 1,
  looks: [{ coreSpeed: 100, stolen: 0 }],
  failures: [],
});
const theirs = (peer: PeerName, workload: string, values: number[]): PeerResult => ({
  peer,
  workload,
  runs: values.map((value) => ({
    figures: { 'decisions/s': value, 'decision p99, ms': 1 },
    cpuMs: { front: 0, postgres: 0, 'restate-server': 0 },
    generatorCpuMs: 0,
    load: 1,
    look: { coreSpeed: 100, stolen: 0 },
  })),
});
const timing = { warmUpMs: 1, measuredMs: 1 };

describe('ratios', () => {
  it('are the median of ours over the median of the peer, of the same workload', () => {
    const ratios = ratiosOf(
      [ours(tenSeats(5_000), 'hold decisions', [4_800, 9_000, 100]), ours(ourSellOut(64), 'confirmed bookings', [60])],
      [theirs('restate', hotShow.name, [400, 300, 500]), theirs('dbos', sellOut(64, timing).name, [120])],
    );
    expect(ratios).toMatchObject([
      { workload: sellOut(64, timing).name, peer: 'dbos', ours: 60, theirs: 120, ratio: 0.5 },
      { workload: hotShow.name, peer: 'restate', ours: 4_800, theirs: 400, ratio: 12 },
    ]);
  });

  it('below their floors are named', () => {
    const peers = [
      theirs('restate', hotShow.name, [401]),
      theirs('dbos', hotShow.name, [480]),
      theirs('postgres-conditional', hotShow.name, [4_801]),
    ];
    const missed = missedRatios(ratiosOf([ours(tenSeats(5_000), 'hold decisions', [4_800])], peers));
    expect(missed).toEqual([
      expect.stringContaining('times postgres-conditional'),
      expect.stringContaining('times restate'),
    ]);
  });

  it('leave out what only one of both was measured by, and the development server', () => {
    const peers = [theirs('restate', hotShow.name, [400])];
    expect(ratiosOf([ours(tenSeats(5_000), 'hold decisions', [])], peers)).toEqual([]);
    expect(ratiosOf([ours(tenSeats(5_000), 'hold decisions', [1], 'dev')], peers)).toEqual([]);
    expect(ratiosOf([ours(tenSeats(5_000), 'hold decisions', [1])], [])).toEqual([]);
  });

  it('are no excuse for a peer that is slower than it should be, with as many clients as suit it', () => {
    const [with64, with256] = [sellOut(64, timing).name, sellOut(256, timing).name];
    expect(slowPeers([theirs('restate', with64, [100]), theirs('restate', with256, [170, 165, 150])])).toEqual([]);
    expect(slowPeers([theirs('restate', with64, [100]), theirs('restate', with256, [159])])).toEqual([
      expect.stringContaining('restate itself: 159'),
    ]);
    expect(slowPeers([theirs('restate', hotShow.name, [100])])).toEqual([]);
  });
});
