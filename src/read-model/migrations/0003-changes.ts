import { type Kysely, sql } from 'kysely';

/**
 * Changes of bookings that are confirmed: what was cancelled, exchanged or given to somebody else, and what it moved. A
 * refund of a change belongs to it; one without is of a payment that bought nothing.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table theatres add column cancellation_policy jsonb`.execute(db);
  await sql`
    alter table bookings
      add column cancellation_policy jsonb,
      add column kept_amount bigint not null default 0 check (kept_amount >= 0),
      add column chain_id text`.execute(db);
  await sql`create index bookings_of_chain on bookings (chain_id) where chain_id is not null`.execute(db);
  await sql`
    create table booking_changes (
      id text primary key,
      booking_id text not null,
      kind text not null check (kind in ('cancellation', 'show_cancelled', 'show_moved', 'exchange', 'transfer')),
      requested_by text not null,
      reason text,
      seat_ids text[] not null,
      seats integer[] not null,
      tier jsonb,
      refund_amount bigint not null check (refund_amount >= 0),
      kept_amount bigint not null check (kept_amount >= 0),
      currency text not null,
      other_booking_id text,
      created_at timestamptz not null
    )`.execute(db);
  await sql`create index booking_changes_of_booking on booking_changes (booking_id, created_at)`.execute(db);
  await appendOnly(db);
  await sql`alter table refunds add column change_id text`.execute(db);
  await sql`create index refunds_of_payment on refunds (payment_id)`.execute(db);
  await neverMoreThanCaptured(db);
}

async function appendOnly(db: Kysely<never>): Promise<void> {
  await sql`
    create function refuse_to_change_history() returns trigger language plpgsql as $$
      begin
        raise exception 'rows of % are never changed', tg_table_name using errcode = 'restrict_violation';
      end
    $$`.execute(db);
  await sql`
    create trigger booking_changes_are_kept before update or delete on booking_changes
      for each row execute function refuse_to_change_history()`.execute(db);
}

/**
 * The refunds of a payment that have not failed never exceed it, whoever writes them, however many at once: each waits for
 * the payment's row. The one exception is a payment of which the provider took more than was asked for: all of it goes
 * back, in one refund.
 */
async function neverMoreThanCaptured(db: Kysely<never>): Promise<void> {
  await sql`
    create function refuse_to_refund_more_than_captured() returns trigger language plpgsql as $$
      declare
        captured bigint;
        refunded bigint;
      begin
        if new.status = 'FAILED' then return new; end if;
        if tg_op = 'UPDATE' and old.status <> 'FAILED' and old.amount = new.amount then return new; end if;
        select amount into captured from payments where id = new.payment_id for no key update;
        select coalesce(sum(amount), 0) into refunded from refunds
          where payment_id = new.payment_id and status <> 'FAILED' and id <> new.id;
        if refunded + new.amount > greatest(captured, case when new.change_id is null then new.amount else 0 end) then
          raise exception 'refund % would give back more of % than was captured', new.id, new.payment_id
            using errcode = 'check_violation', constraint = 'refunds_within_capture';
        end if;
        return new;
      end
    $$`.execute(db);
  await sql`
    create trigger refunds_within_capture before insert or update on refunds
      for each row execute function refuse_to_refund_more_than_captured()`.execute(db);
}
