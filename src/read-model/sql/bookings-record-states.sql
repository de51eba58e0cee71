with record as materialized (
    select * from jsonb_to_recordset($1::jsonb)
      as record (id text, booking_number text, show_id text, user_id text, city_id text, status text, seats jsonb, price jsonb, items jsonb, fingerprint text, held_at timestamptz, expires_at timestamptz, version integer, changed_at timestamptz, payment_status text, refund jsonb, as_created jsonb, cancellation_policy jsonb, chain_id text, payment jsonb, new_refund jsonb, outbox jsonb, refund_outbox jsonb)
  ),
  changed as (
    insert into bookings as booking (id, booking_number, show_id, user_id, city_id, status, seats, price, items, fingerprint, held_at, expires_at, version, changed_at, payment_status, refund, as_created, cancellation_policy, chain_id, payment_id, updated_at)
    select record.id, known.booking_number, record.show_id, record.user_id, record.city_id, record.status, record.seats,
      record.price, record.items, record.fingerprint, record.held_at, record.expires_at, record.version,
      record.changed_at, record.payment_status, record.refund, record.as_created, record.cancellation_policy,
      record.chain_id, known.payment_id, now()
    from record
      left join bookings as known on known.id = record.id and record.status in ('CONFIRMED', 'CANCELLED', 'EXCHANGED')
    order by record.id
    on conflict (id) do update set
      status = excluded.status,
      seats = excluded.seats,
      price = excluded.price,
      expires_at = excluded.expires_at,
      version = greatest(booking.version + 1, excluded.version),
      changed_at = excluded.changed_at,
      payment_status = excluded.payment_status,
      refund = excluded.refund,
      as_created = coalesce(booking.as_created, excluded.as_created),
      updated_at = excluded.updated_at
    where (excluded.changed_at, excluded.version) > (booking.changed_at, booking.version)
      and (booking.payment_id is null or excluded.status in ('CONFIRMED', 'CANCELLED', 'EXCHANGED'))
      and (booking.status <> 'RELEASED' or excluded.status = 'RELEASED')
    returning id
  ),
  paid as (
    insert into payments (id, booking_id, status, provider, provider_reference, method, amount, currency, failure_reason, fingerprint, created_at, updated_at)
    select payment.* from record, jsonb_to_record(record.payment) as payment (id text, booking_id text, status text, provider text, provider_reference text, method text, amount bigint, currency text, failure_reason text, fingerprint text, created_at timestamptz, updated_at timestamptz)
    where jsonb_typeof(record.payment) = 'object'
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
  refunded as (
    insert into refunds (id, payment_id, booking_id, amount, currency, status, provider_reference, change_id, created_at, updated_at)
    select refund.* from record, jsonb_to_record(record.new_refund) as refund (id text, payment_id text, booking_id text, amount bigint, currency text, status text, provider_reference text, change_id text, created_at timestamptz, updated_at timestamptz)
    where jsonb_typeof(record.new_refund) = 'object'
    order by refund.id
    on conflict (id) do update set
      status = excluded.status,
      provider_reference = coalesce(excluded.provider_reference, refunds.provider_reference),
      updated_at = excluded.updated_at
    where refunds.status = 'PENDING' or (refunds.status <> 'SUCCEEDED' and excluded.status = 'SUCCEEDED')
    returning with (old as before, new as written) written.id, written.status is distinct from before.status as is_news
  ),
  posted as (
    insert into outbox (booking_id, type, payload)
    select id, event ->> 'type', event -> 'payload'
    from record, jsonb_array_elements(record.outbox) as event
    where id in (select id from changed)
    union all
    select id, event ->> 'type', event -> 'payload'
    from record, jsonb_array_elements(record.refund_outbox) as event
    where new_refund ->> 'id' in (select id from refunded where is_news)
  )
  select id from changed;
