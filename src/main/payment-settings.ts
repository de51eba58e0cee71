import {
  type ProviderChoice,
  type ProviderName,
  providerNames,
  type StripeAccount,
  type WebhookSecrets,
} from '../gateways/payment-providers.ts';
import { ConfigError, type Settings } from '../platform/config.ts';

/** What decides who is paid by, for `readConfig`. */
export const paymentSettingNames = [
  'NODE_ENV',
  'PAYMENT_PROVIDERS',
  'PAYMENT_PROVIDERS_RETIRED',
  'STRIPE_SECRET_KEY',
  'STRIPE_WEBHOOK_SECRET',
  'STRIPE_API_URL',
  'STRIPE_RETURN_URL',
] as const;

export type PaymentSettings = Pick<Settings, (typeof paymentSettingNames)[number]>;

/** @throws ConfigError naming what a chosen provider lacks */
export function providerChoice(settings: PaymentSettings): ProviderChoice {
  const [active, retired] = [known(settings, 'PAYMENT_PROVIDERS'), known(settings, 'PAYMENT_PROVIDERS_RETIRED')];
  const twice = active.find((name) => retired.includes(name));
  if (twice) throw new ConfigError(`Settings are wrong: ${twice} is in PAYMENT_PROVIDERS and is retired, too`);
  const choice = { active, retired };
  if (isChosen('stripe', choice)) checkStripe(settings);
  return choice;
}

/** Stripe's part of what `createPaymentGateways` takes; undefined where Stripe is not chosen. */
export function stripeAccount(settings: PaymentSettings): Omit<StripeAccount, 'references'> | undefined {
  if (!isChosen('stripe', providerChoice(settings))) return undefined;
  return {
    secretKey: settings.STRIPE_SECRET_KEY!,
    apiUrl: settings.STRIPE_API_URL,
    returnUrl: settings.STRIPE_RETURN_URL!,
  };
}

export function webhookSecrets(settings: PaymentSettings & Pick<Settings, 'PAYMENT_WEBHOOK_SECRET'>): WebhookSecrets {
  const { PAYMENT_WEBHOOK_SECRET: simulator, STRIPE_WEBHOOK_SECRET: stripe } = settings;
  return { simulator, ...(stripe !== undefined && { stripe }) };
}

/**
 * Where the simulated providers answer; undefined where none is chosen.
 * @throws ConfigError when one is chosen and there is no address
 */
export function simulatorAddress(
  choice: ProviderChoice,
  { PAYMENT_GATEWAY_URL: url }: Pick<Settings, 'PAYMENT_GATEWAY_URL'>,
): string | undefined {
  if (!usesSimulator(choice)) return undefined;
  if (url === undefined) throw new ConfigError('Settings are wrong: PAYMENT_GATEWAY_URL: is missing');
  return url;
}

export const usesSimulator = (choice: ProviderChoice): boolean =>
  isChosen('simulator', choice) || isChosen('simulator-backup', choice);

function known(settings: PaymentSettings, setting: 'PAYMENT_PROVIDERS' | 'PAYMENT_PROVIDERS_RETIRED'): ProviderName[] {
  const isKnown = (name: string): name is ProviderName => (providerNames as readonly string[]).includes(name);
  if (settings[setting].every(isKnown)) return settings[setting];
  throw new ConfigError(`Settings are wrong: ${setting}: must be some of ${providerNames.join(', ')}`);
}

const isChosen = (name: ProviderName, { active, retired }: ProviderChoice): boolean =>
  active.includes(name) || retired.includes(name);

function checkStripe(settings: PaymentSettings): void {
  const needed = ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'STRIPE_RETURN_URL'] as const;
  const missing = needed.filter((name) => settings[name] === undefined);
  if (missing.length > 0)
    throw new ConfigError(`Settings are wrong: stripe is chosen, and needs ${missing.join(', ')}`);
  const isProduction = settings.NODE_ENV === 'production';
  if (isProduction && new URL(settings.STRIPE_API_URL).protocol !== 'https:') {
    throw new ConfigError('Settings are wrong: STRIPE_API_URL: must begin with https:// with NODE_ENV=production');
  }
}
