select * from "payments" where "booking_id" = $1 order by "created_at";

select * from "refunds" where "booking_id" = $1 order by "created_at";
