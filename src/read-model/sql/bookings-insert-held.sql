with record as materialized (
      select * from jsonb_to_recordset($1::jsonb) as record (id text, booking_number text, show_id text, user_id text, city_id text, status text, seats jsonb, price jsonb, items jsonb, fingerprint text, held_at timestamptz, expires_at timestamptz, version integer, changed_at timestamptz, payment_status text, refund jsonb, as_created jsonb, cancellation_policy jsonb, chain_id text, held jsonb)
    ),
    inserted as (
      insert into bookings (id, booking_number, show_id, user_id, city_id, status, seats, price, items, fingerprint, held_at, expires_at, version, changed_at, payment_status, refund, as_created, cancellation_policy, chain_id, updated_at)
      select id, booking_number, show_id, user_id, city_id, status, seats, price, items, fingerprint, held_at, expires_at, version, changed_at, payment_status, refund, as_created, cancellation_policy, chain_id, now() from record
      order by id
      on conflict (id) do nothing
      returning id
    ),
    posted as (
      insert into outbox (booking_id, type, payload)
      select distinct on (id) id, 'booking.held', held from inserted join record using (id)
    )
    select id from inserted;
