select * from "bookings" where "id" = any($1::text[]);
