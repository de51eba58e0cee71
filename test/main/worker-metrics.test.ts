import { Registry } from 'prom-client';
import { createWorkerMetrics } from '../../src/main/worker-metrics.ts';
import type { Activities } from '../../src/main/worker-process.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { book, pay } from '../setup/bookings.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

describe('a worker tells on a port of its own', () => {
  const system = useTestSystem();

  test('how charges ended, and how its seat commands were batched', async () => {
    const show = await openShow(system);
    await pay(system, await book(system, show, [0, 1]), 'tok_ok');
    await pay(system, await book(system, show, [2, 3]), 'tok_declined');
    await pay(system, await book(system, show, [4, 5]), 'tok_down');
    const url = system.workers[0]!.log.map((line) => /"metrics":"([^"]+)"/.exec(line)?.[1]).find(Boolean)!;
    const text = await (await fetch(url)).text();
    expect(text).toContain('seatkeeper_charges_total{outcome="succeeded"} 1');
    expect(text).toContain('seatkeeper_charges_total{outcome="declined"} 1');
    expect(text).toContain('seatkeeper_charges_total{outcome="not_processed"} 1');
    expect(text).toContain('seatkeeper_payment_fallbacks_total 1');
    expect(text).toMatch(/seatkeeper_seat_command_batch_size_sum [1-9]/);
    expect(text).toMatch(/seatkeeper_seat_command_batch_duration_seconds_count [1-9]/);
    expect(text).toContain('seatkeeper_second_line_fired_total 0');
    expect(text).toContain('seatkeeper_charged_twice_total 0');
    expect(text).toContain('process_cpu_seconds_total');
  }, 30_000);
});

describe('what must never happen is counted should it happen', () => {
  const valueOf = async (registry: Registry, name: string, labels: object = {}) => {
    const metric = await registry.getSingleMetric(`seatkeeper_${name}`)!.get();
    return metric.values.find((each) => JSON.stringify(each.labels) === JSON.stringify(labels))?.value;
  };
  const registry = new Registry();
  const metrics = createWorkerMetrics(registry, createLogger('worker', 'silent'));
  const activities = metrics.counting({
    recordConfirmed: () => Promise.resolve({ kind: 'seat_taken' }),
    returnSeats: () => Promise.resolve({ ok: true, seats: [], expiresAtMs: null, heldAtMs: null }),
    refundPayment: () => Promise.reject(new Error('not now')),
    sweepPaymentAttempts: () => Promise.resolve({ seen: 5, resolved: 2 }),
  } as unknown as Activities);

  test('a seat that would have been sold twice, and what was undone for it', async () => {
    await activities.recordConfirmed(...([] as unknown as Parameters<Activities['recordConfirmed']>));
    await activities.returnSeats({ showId: 'shw', bookingId: 'bkg' });
    expect(await valueOf(registry, 'second_line_fired_total')).toBe(1);
    expect(await valueOf(registry, 'compensations_total', { step: 'return_seats' })).toBe(1);
  });

  test('a step that could not be undone yet does not count', async () => {
    const refunding = activities.refundPayment(...([] as unknown as Parameters<Activities['refundPayment']>));
    await expect(refunding).rejects.toThrow('not now');
    expect(await valueOf(registry, 'compensations_total', { step: 'refund' })).toBeUndefined();
  });

  test('attempts without an outcome, and how many a sweep has cleared up', async () => {
    await activities.sweepPaymentAttempts();
    expect(await valueOf(registry, 'payment_sweep_seen_total')).toBe(5);
    expect(await valueOf(registry, 'payment_sweep_resolved_total')).toBe(2);
  });

  test("an attempt that both providers have captured, and a provider's circuit", async () => {
    metrics.paymentEvent({ kind: 'charged_twice', attemptId: 'pay_1' });
    metrics.paymentEvent({ kind: 'circuit', provider: 'simulator', state: 'open' });
    expect(await valueOf(registry, 'charged_twice_total')).toBe(1);
    expect(await valueOf(registry, 'payment_circuit_state', { provider: 'simulator' })).toBe(2);
  });
});
