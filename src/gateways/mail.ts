/** An e-mail to one person. */
export interface Mail {
  /** Without angle brackets. The same for the same message, however often it is sent: mailboxes and people see a double. */
  readonly messageId: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** BCP 47. */
  readonly language: string;
  readonly attachments: readonly { readonly name: string; readonly type: string; readonly bytes: Buffer }[];
}

/** A text message to a phone, or a notice to a device. */
export interface ShortMessage {
  /** The same for the same message, for a provider that leaves out doubles. */
  readonly id: string;
  /** A phone number, or the token of a device. */
  readonly to: string;
  readonly text: string;
}

/** It will never be delivered, however often it is tried: no such mailbox, no such number. */
export class MessageRefusedError extends Error {
  override readonly name = 'MessageRefusedError';
}

export interface MailGateway {
  /**
   * Resolves when the next mail server has taken it over.
   * @throws MessageRefusedError
   * @param signal gives up: it may have been taken over all the same
   * @throws Error it may be tried again
   */
  send(mail: Mail, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** As `MailGateway`, for SMS and for push notices. */
export interface ShortMessageGateway {
  send(message: ShortMessage, signal: AbortSignal): Promise<void>;
}
