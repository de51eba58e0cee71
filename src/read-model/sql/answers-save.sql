insert into idempotency_answers (scope, key, fingerprint, status, headers, body)
    select * from unnest(
      $1::text[],
      $2::text[],
      $3::text[],
      $4::integer[],
      $5::json[],
      $6::json[])
      as answer (scope, key, fingerprint, status, headers, body)
    order by scope, key
    on conflict (scope, key) do nothing;

select scope, key, fingerprint, status, headers, body
    from unnest($1::text[], $2::text[]) as wanted (scope, key)
    join idempotency_answers using (scope, key);
