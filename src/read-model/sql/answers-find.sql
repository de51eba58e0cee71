select scope, key, fingerprint, status, headers, body
    from unnest($1::text[], $2::text[]) as wanted (scope, key)
    join idempotency_answers using (scope, key);
