insert into bookings (id, booking_number, show_id, user_id, city_id, status, seats, price, items, fingerprint, held_at, expires_at, version, changed_at, payment_status, refund, as_created, updated_at)
    select id, booking_number, show_id, user_id, city_id, status, seats, price, items, fingerprint, held_at, expires_at, version, changed_at, payment_status, refund, as_created, now() from jsonb_to_recordset($1::jsonb) as booking (id text, booking_number text, show_id text, user_id text, city_id text, status text, seats jsonb, price jsonb, items jsonb, fingerprint text, held_at timestamptz, expires_at timestamptz, version integer, changed_at timestamptz, payment_status text, refund jsonb, as_created jsonb)
    order by id
    on conflict (id) do nothing
    returning id;
