select * from "bookings" where "user_id" = $1 and "status" = $2 order by "held_at" desc, "id" desc limit $3;
