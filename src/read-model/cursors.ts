/** A page of a list as a client asks for it. */
export interface PageRequest {
  /** 1–100. */
  readonly limit: number;
  /** Opaque: as given out in `nextCursor`. */
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  readonly items: T[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}
