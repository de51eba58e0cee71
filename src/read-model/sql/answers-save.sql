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
    on conflict (scope, key) do nothing
    returning scope, key;
