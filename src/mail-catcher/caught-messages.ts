/** Something that would have been delivered. */
export interface CaughtMessage {
  readonly number: number;
  readonly kind: 'email' | 'sms' | 'push';
  readonly caughtAtMs: number;
  readonly to: string;
  /** Of an e-mail; `Message-ID` with its brackets. */
  readonly id: string;
  readonly from: string | null;
  readonly subject: string | null;
  readonly text: string;
  readonly html: string | null;
  readonly attachments: readonly CaughtAttachment[];
}

export interface CaughtAttachment {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/** The last ones are what a developer looks at; a storm of sales must not fill the machine's memory. */
const MESSAGES_MAX = 500;
const BYTES_MAX = 64 * 1024 * 1024;

/** The last messages, in memory: they are gone with the process. */
export class CaughtMessages {
  readonly #messages: CaughtMessage[] = [];
  #caught = 0;
  #bytes = 0;

  /** How many there ever were. */
  get count(): number {
    return this.#caught;
  }

  add(message: Omit<CaughtMessage, 'number'>): void {
    this.#caught += 1;
    this.#messages.push({ ...message, number: this.#caught });
    this.#bytes += sizeOf(message);
    while (this.#messages.length > MESSAGES_MAX || (this.#bytes > BYTES_MAX && this.#messages.length > 1)) {
      this.#bytes -= sizeOf(this.#messages.shift()!);
    }
  }

  /** Newest first. */
  list(): readonly CaughtMessage[] {
    return this.#messages.toReversed();
  }

  find(number: number): CaughtMessage | null {
    return this.#messages.find((message) => message.number === number) ?? null;
  }
}

const sizeOf = ({ text, html, attachments }: Omit<CaughtMessage, 'number'>): number =>
  attachments.reduce((sum, { bytes }) => sum + bytes.length, 2 * (text.length + (html?.length ?? 0)));
