/** Something a person must put right before the system can start; the message is the one sentence that says what. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}
