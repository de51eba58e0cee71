select * from "payments" where status in ('PENDING', 'UNKNOWN') and "created_at" < $1 order by coalesce(swept_at, created_at) limit $2;
