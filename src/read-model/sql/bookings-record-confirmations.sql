with record as materialized (
    select * from jsonb_to_recordset($1::jsonb)
      as record (id text, booking_number text, show_id text, user_id text, city_id text, status text, seats jsonb, price jsonb, items jsonb, fingerprint text, held_at timestamptz, expires_at timestamptz, version integer, changed_at timestamptz, payment_status text, refund jsonb, as_created jsonb, cancellation_policy jsonb, chain_id text, paid_by text, payment jsonb, outbox jsonb)
  ),
  confirmed as (
    insert into bookings as booking (id, booking_number, show_id, user_id, city_id, status, seats, price, items, fingerprint, held_at, expires_at, version, changed_at, payment_status, refund, as_created, cancellation_policy, chain_id, payment_id, updated_at)
    select id, next_booking_number(), show_id, user_id, city_id, 'CONFIRMED', seats, price, items, fingerprint, held_at,
      expires_at, version, changed_at, 'SUCCEEDED', refund, as_created, cancellation_policy, chain_id, paid_by, now()
    from record
    order by id
    on conflict (id) do update set
      booking_number = excluded.booking_number,
      status = excluded.status,
      seats = excluded.seats,
      price = excluded.price,
      expires_at = excluded.expires_at,
      version = greatest(booking.version + 1, excluded.version),
      changed_at = greatest(booking.changed_at, excluded.changed_at),
      payment_status = excluded.payment_status,
      payment_id = excluded.payment_id,
      refund = excluded.refund,
      as_created = coalesce(booking.as_created, excluded.as_created),
      updated_at = excluded.updated_at
    where booking.payment_id is null
    returning id, show_id, seats, booking_number, version, payment_id
  ),
  booked as (
    insert into booked_seats (show_id, seat_id, booking_id)
    select show_id, seat ->> 'id', id from confirmed, jsonb_array_elements(seats) as seat
    order by 1, 2
  ),
  paid as (
    insert into payments (id, booking_id, status, provider, provider_reference, method, amount, currency, failure_reason, fingerprint, created_at, updated_at)
    select payment.* from record, jsonb_to_record(record.payment) as payment (id text, booking_id text, status text, provider text, provider_reference text, method text, amount bigint, currency text, failure_reason text, fingerprint text, created_at timestamptz, updated_at timestamptz)
    order by payment.id
    on conflict (id) do update set
      status = excluded.status,
      provider = coalesce(excluded.provider, payments.provider),
      provider_reference = coalesce(excluded.provider_reference, payments.provider_reference),
      method = coalesce(payments.method, excluded.method),
      failure_reason = excluded.failure_reason,
      updated_at = excluded.updated_at
    where payments.status in ('PENDING', 'UNKNOWN')
      or (payments.status <> 'SUCCEEDED' and excluded.status = 'SUCCEEDED')
  ),
  posted as (
    insert into outbox (booking_id, type, payload)
    select id, event ->> 'type', event -> 'payload'
    from record, jsonb_array_elements(record.outbox) as event
    where id in (select id from confirmed)
  )
  select id, booking_number, version, payment_id from confirmed;
