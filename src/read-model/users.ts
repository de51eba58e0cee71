import type { ReadModel } from './database.ts';

export interface NewGuest {
  readonly id: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly createdAtMs: number;
  readonly refreshToken: {
    /** SHA-256 of the token, base64url. */
    readonly hash: string;
    /** All tokens that descend from one login. */
    readonly family: string;
    readonly expiresAtMs: number;
  };
}

/** A guest with the token that renews the login; both or none. */
export declare function insertGuest(db: ReadModel, guest: NewGuest): Promise<void>;
