import { reservePort, type ReservedPort } from './ports.ts';
import { toldPort } from './settings.ts';

/** The ports of this start, by the name of their setting; held until the part that listens on them starts, and no other start's until this one ends. */
export class PortBook {
  readonly #env: NodeJS.ProcessEnv;
  readonly #remembered: Readonly<Record<string, number>>;
  readonly #reserved = new Map<string, ReservedPort>();

  /** `remembered` are those of the last start. */
  constructor(env: NodeJS.ProcessEnv, remembered: Readonly<Record<string, number>>) {
    this.#env = env;
    this.#remembered = remembered;
  }

  /** Ports to be remembered: those that were chosen, now or before. One that a person named holds for one start. */
  get chosen(): Readonly<Record<string, number>> {
    const chosen = [...this.#reserved].filter(([name]) => toldPort(name, this.#env) === null);
    return { ...this.#remembered, ...Object.fromEntries(chosen.map(([name, { port }]) => [name, port])) };
  }

  /** @throws StartupError when the setting names a port that can't be had */
  async reserve(name: string, friendly: number): Promise<number> {
    const reserved = await reservePort({ name, told: toldPort(name, this.#env), friendly }, this.#remembered[name]);
    this.#reserved.set(name, reserved);
    return reserved.port;
  }

  /** Why a port is not the one that a person would expect, as half a sentence; null when it is. */
  whyNotFriendly(name: string): string | null {
    return this.#reserved.get(name)?.why ?? null;
  }

  /** Lets go of ports, for the part that is about to listen on them. */
  async release(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.#reserved.get(name)?.release();
  }

  /** When no part needs its port any more. */
  async giveBack(): Promise<void> {
    for (const reserved of this.#reserved.values()) await reserved.giveBack();
  }
}
