/**
 * For `--import`: this process has a wall clock that is so many milliseconds before (or, if negative, behind) the machine's, as one
 * has whose clock nobody keeps. Timers go on as they do.
 */
const shiftMs = Number(process.env.CHAOS_CLOCK_SHIFT_MS ?? 0);
const TrueDate = Date;

const now = (): number => TrueDate.now() + shiftMs;

/** Its dates are dates like all others: who copies them looks at what made them. */
globalThis.Date = new Proxy(TrueDate, {
  construct: (_, args: readonly unknown[]) =>
    args.length === 0 ? new TrueDate(now()) : new TrueDate(...(args as ConstructorParameters<DateConstructor>)),
  get: (date, name) => (name === 'now' ? now : (Reflect.get(date, name) as unknown)),
});
