import type { Addresses } from '../supervisor/run-state.ts';

export interface ReadySystem {
  readonly addresses: Addresses;
  /** `host:port` of the gRPC frontend, for the `temporal` command line. */
  readonly temporalAddress: string;
  /** Absent in production. */
  readonly staffToken?: string;
  /** Why the API is not on the port that a person would expect, as half a sentence; null when it is. */
  readonly whyThisPort: string | null;
}

/** What a person at the terminal wants to know when the system is ready. */
export function readyBlock({ addresses, temporalAddress, staffToken, whyThisPort }: ReadySystem): string {
  const { api, web, temporalUi, paymentSimulator, mails, metrics, workerMetrics, relayMetrics } = addresses;
  const rows: readonly (readonly [name: string, value: string | null | undefined])[] = [
    ['API', whyThisPort === null ? api : `${api}  (${whyThisPort})`],
    ['its documentation', `${api}/docs`],
    ['page', web === api ? null : web],
    ['Temporal UI', temporalUi],
    ['Temporal gRPC', temporalAddress],
    ['payment simulator', paymentSimulator],
    ['mails', mails],
    ['metrics', `${metrics}, ${workerMetrics} (worker), ${relayMetrics} (relay)`],
    ['staff token (1 day)', staffToken],
  ];
  return [
    '',
    'Seatkeeper is ready.',
    ...rows.flatMap(([name, value]) => (value ? [`  ${name.padEnd(20)} ${value}`] : [])),
    'Ctrl-C stops it. In another terminal, `npm run demo` sells out a show.',
    '',
  ].join('\n');
}
