insert into payments (id, booking_id, status, provider, provider_reference, method, amount, currency, failure_reason, fingerprint, created_at, updated_at)
    select id, booking_id, status, provider, provider_reference, method, amount, currency, failure_reason, fingerprint, created_at, updated_at from jsonb_to_recordset($1::jsonb) as payment (id text, booking_id text, status text, provider text, provider_reference text, method text, amount bigint, currency text, failure_reason text, fingerprint text, created_at timestamptz, updated_at timestamptz)
    order by id
    on conflict (id) do nothing
    returning *;
