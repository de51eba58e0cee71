import { temporalPortNames, type TemporalPortName, type TemporalProfile } from '../../temporal/server/contract.ts';
import type { PortBook } from '../supervisor/port-book.ts';

/** Temporal's own habits, where it has them. */
const settings: Readonly<Record<TemporalPortName, { readonly name: string; readonly friendly: number }>> = {
  frontend: { name: 'TEMPORAL_PORT', friendly: 7233 },
  ui: { name: 'TEMPORAL_UI_PORT', friendly: 8233 },
  http: { name: 'TEMPORAL_HTTP_PORT', friendly: 7243 },
  metrics: { name: 'TEMPORAL_METRICS_PORT', friendly: 9233 },
  history: { name: 'TEMPORAL_HISTORY_PORT', friendly: 7334 },
  matching: { name: 'TEMPORAL_MATCHING_PORT', friendly: 7355 },
  worker: { name: 'TEMPORAL_WORKER_PORT', friendly: 7375 },
};

/** A free port for each that the profile listens on. */
export async function reserveTemporalPorts<Profile extends TemporalProfile>(
  profile: Profile,
  book: PortBook,
): Promise<Record<TemporalPortName<Profile>, number>> {
  const ports = {} as Record<TemporalPortName<Profile>, number>;
  for (const port of temporalPortNames[profile] as readonly TemporalPortName<Profile>[]) {
    ports[port] = await book.reserve(settings[port].name, settings[port].friendly);
  }
  return ports;
}

export const temporalPortSettings = (profile: TemporalProfile): readonly string[] =>
  temporalPortNames[profile].map((port) => settings[port].name);
