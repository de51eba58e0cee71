/** Reasons of `not_processed` that mean something to the choice between providers; a provider may have others. */
export const refusalReasons = {
  /** Somebody made sure that this attempt never charges: no provider may take it. */
  voided: 'voided',
  /** The provider itself said no, before charging. */
  refused: 'refused',
  circuitOpen: 'circuit_open',
  unreachable: 'unreachable',
  /** Our own limit of calls under way. */
  overloaded: 'overloaded',
  /** What comes before the charge did not go well, so that the charge was not asked for. */
  notTakenUp: 'not_taken_up',
  /** The provider does not take our credentials: nobody is charged until an operator has acted. */
  credentialsRefused: 'credentials_refused',
} as const;

const notSent: readonly string[] = [
  refusalReasons.circuitOpen,
  refusalReasons.unreachable,
  refusalReasons.overloaded,
  refusalReasons.notTakenUp,
];

/** The charge never reached the provider: this says nothing about an earlier call of the same attempt. */
export const wasNotSent = (reason: string): boolean => notSent.includes(reason);
