import { rm } from 'node:fs/promises';
import { running } from './global-setup.ts';

export default async function globalTeardown(): Promise<void> {
  const { postgres, temporal, bundles } = running;
  await Promise.all([postgres?.stop(), temporal?.stop(), bundles && rm(bundles, { recursive: true, force: true })]);
}
