update payments set sent_at = now()
    where id = any($1::text[]) and sent_at is null and status <> 'FAILED'
    returning id;

select "id" from "payments" where "id" = any($1::text[]) and "status" = $2 and "sent_at" is null;
