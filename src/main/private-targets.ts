import { ConfigError, type Settings } from '../platform/config.ts';

/**
 * Whether partners' webhooks may go to this machine and its network.
 * @throws ConfigError in production: what a partner names must not lead into our own network
 */
export function mayReachPrivateTargets({
  NODE_ENV,
  WEBHOOK_PRIVATE_TARGETS,
}: Readonly<Pick<Settings, 'NODE_ENV' | 'WEBHOOK_PRIVATE_TARGETS'>>): boolean {
  const isAllowed = WEBHOOK_PRIVATE_TARGETS === 'allowed';
  if (isAllowed && NODE_ENV === 'production') {
    throw new ConfigError('WEBHOOK_PRIVATE_TARGETS: private targets are for development, and refused in production');
  }
  return isAllowed;
}
