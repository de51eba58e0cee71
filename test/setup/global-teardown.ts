import { running } from './global-setup.ts';

export default async function globalTeardown(): Promise<void> {
  await Promise.all([running.postgres?.stop(), running.temporal?.stop()]);
}
