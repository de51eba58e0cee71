update payments set sent_at = now()
    where id = any($1::text[]) and sent_at is null
    returning id;
