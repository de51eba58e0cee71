select * from "payments" where status in ('PENDING', 'UNKNOWN') and "created_at" < $1 order by "created_at" limit $2;
