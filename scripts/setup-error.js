/** Something a person must put right; the message is the one sentence that says what. */
export class SetupError extends Error {
  name = 'SetupError';
}
