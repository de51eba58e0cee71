/**
 * For `--import`: this process has a wall clock that is so many milliseconds before (or, if negative, behind) the machine's, as one
 * has whose clock nobody keeps. Timers go on as they do.
 */
const shiftMs = Number(process.env.CHAOS_CLOCK_SHIFT_MS ?? 0);
const TrueDate = Date;

class ShiftedDate extends TrueDate {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(ShiftedDate.now());
    else super(...(args as ConstructorParameters<DateConstructor>));
  }

  static override now(): number {
    return TrueDate.now() + shiftMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
